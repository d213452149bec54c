"""Standard output for results, as a table or as JSON; standard error for all else."""

import io
import json
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

Json = dict[str, Any]

WIDE = 160
"""Width of a table for a file or a program: room for every column."""
COLOURS = {
    "COMPLETED": "green",
    "FAILED": "red",
    "CANCELLED": "yellow",
    "ERRORED": "yellow",
    "PROCESSING": "cyan",
    "FINISHED": "cyan",
}
_ESCAPED = "backslashreplace"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """The reader is gone: the command ends quietly, and not as if a task had failed."""
        raise BrokenPipeError


def out() -> Console:
    """The console for tables. A terminal knows its width; `COLUMNS` may set it for others."""
    console = _Console(highlight=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE
    return console


def err() -> Console:
    """The console for all else."""
    return _Console(stderr=True, highlight=False)


def plain(value: object) -> str:
    """Text of others, without the characters that a terminal would obey."""
    return _CONTROL.sub("\ufffd", str(value).replace("\r\n", "\n"))


def text(value: object, style: str = "") -> Text:
    """The same for a table: no markup."""
    return Text(plain(value), style=style)


def status(value: str) -> Text:
    """A status in its colour."""
    return text(value, COLOURS.get(value, ""))


def encoded(document: str) -> bytes:
    """JSON in UTF-8. JSON may hold half a surrogate pair, which is no UTF-8: it becomes its escape again."""
    return document.encode(errors=_ESCAPED)


def in_utf8() -> None:
    """Write UTF-8, whatever the system's encoding: JSON has no other."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=_ESCAPED)


def print_json(value: Any) -> None:
    """One JSON document."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_json_line(value: Any) -> None:
    """One line of JSON Lines, there for the reader at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def print_items(items: Iterable[Json]) -> None:
    """`{"items": [...]}`, written as they come: there may be a million."""
    sys.stdout.write('{"items": [')
    for number, item in enumerate(items):
        sys.stdout.write((",\n" if number else "\n") + json.dumps(item, ensure_ascii=False))
    sys.stdout.write("\n]}\n")


def compact(value: Any) -> str:
    """JSON on one line, for a cell."""
    return json.dumps(value, ensure_ascii=False)
