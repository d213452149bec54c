"""A task's input: from the command line, a file or standard input."""

import codecs
import json
import math
import sys
from pathlib import Path
from typing import Any, NoReturn

from tasks_cli.errors import BadInput

FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
"""The format of a file, by the end of its name."""
UPLOAD_LIMIT = 5 * 1024**3
"""Bytes of an upload, the most that S3 takes in one PUT. The API refuses more only after the upload."""


def read(given: str | None) -> Any:
    """The JSON that ``--input`` gives: itself, ``@file``, or ``-`` for standard input. Raises :class:`BadInput`."""
    if given is None:
        return None
    try:
        if given == "-":
            source, text = "standard input", sys.stdin.buffer.read().decode("utf-8-sig")
        elif given.startswith("@"):
            source, text = given[1:], Path(given[1:]).read_text(encoding="utf-8-sig")
        else:
            source, text = "--input", given
    except (OSError, UnicodeError) as error:
        raise BadInput(f"--input {given}: {_why(error)}") from error
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{source}: is not JSON: {error}; a text needs quotes of its own: --input '\"text\"'") from error


def format_of(path: Path) -> str:
    """The format of a file to upload. Raises :class:`BadInput` for one that cannot be uploaded."""
    try:
        size, is_file = path.stat().st_size, path.is_file()
    except OSError as error:
        raise BadInput(f"{path}: {_why(error)}") from error
    if not is_file:
        raise BadInput(f"{path}: is no file")
    written = FORMATS.get(path.suffix.lower())
    if written is None:
        raise BadInput(f"{path}: must be JSON Lines or CSV, and end with {', '.join(FORMATS)}")
    if size > UPLOAD_LIMIT:
        raise BadInput(f"{path}: has {size:,} bytes, {UPLOAD_LIMIT:,} are allowed; split it into several tasks")
    if written == "csv" and _begins_as_json(path):
        raise BadInput(f"{path}: begins with an object of JSON; if it is JSON Lines, let its name end with .jsonl")
    return written


def _begins_as_json(path: Path) -> bool:
    """As a CSV, the first line would be a header, and no line of it a sub-task of its own."""
    try:
        with path.open("rb") as file:
            return file.read(64).removeprefix(codecs.BOM_UTF8).lstrip().startswith(b'{"')
    except OSError as error:
        raise BadInput(f"{path}: {_why(error)}") from error


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "is not text in UTF-8"


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:20]} is too large")
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
