"""Uploads: inputs that are too large for a request, and their limits.

An upload is one object, ``uploads/<tenant>/<ULID>.jsonl`` or ``.csv``. Its key is the ``inputRef`` that a caller names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.inputs.json_text import FIELD
from serverless_tasks.core.task.keys import CODE_PATTERN

UPLOAD_LIMIT = 5 * 1024**3
"""Bytes of an upload: what S3 takes in a single PUT (S3 user guide, "Uploading objects")."""
ELEMENT_LIMIT = 10_000_000
"""Elements of an upload: 1,000 chunks of 10,000 each, a good part of which one invocation can run."""
LINES_LIMIT = 50_000_000
"""Lines of an upload, blank ones among them, and those within the quotes of CSV: each takes its time to be read."""
LINE_LIMIT = 3_000_000
"""Bytes of one line, or of one CSV record: as much as a request may carry."""
UPLOAD_SECONDS = 900
"""How long a link to put an upload works."""

_PREFIX = "uploads"


class Format(StrEnum):
    """How an input in the bucket is written; its key ends with it."""

    JSONL = "jsonl"
    """JSON Lines: one element per line."""
    CSV = "csv"
    """RFC 4180 with a header: one element per record, an object of strings. Delimiters: comma, semicolon, tab."""


CONTENT_TYPES = {Format.JSONL: "application/x-ndjson", Format.CSV: "text/csv"}


@dataclass(frozen=True, slots=True)
class Upload:
    """Where to put an input, once: a PUT to ``url`` with exactly these ``headers``, until ``expires_at``."""

    input_ref: str
    """What to create the task with."""
    url: str
    headers: Mapping[str, str]
    expires_at: str


def format_named(name: object) -> Format:
    """The format of this name. Raises :class:`InvalidInput`."""
    if isinstance(name, str) and name in set(Format):
        return Format(name)
    raise InvalidInput("format", f"must be one of {', '.join(Format)}")


def format_of(key: str) -> Format:
    """How the object with this key is written."""
    return Format.CSV if key.endswith(f".{Format.CSV}") else Format.JSONL


def upload_key(tenant_code: str, code: str, written: Format) -> str:
    """Key of an upload."""
    return f"{_PREFIX}/{tenant_code}/{code}.{written}"


def is_upload(key: str) -> bool:
    """Whether the object came from outside, so that its content has to be checked first."""
    return key.startswith(f"{_PREFIX}/")


def check_input_ref(tenant_code: str, input_ref: object) -> str:
    """Return the reference if it can be an upload of this tenant; raises what a missing one raises as well."""
    pattern = f"{_PREFIX}/{re.escape(tenant_code)}/{CODE_PATTERN}\\.({'|'.join(Format)})"
    if isinstance(input_ref, str) and re.fullmatch(pattern, input_ref):
        return input_ref
    raise no_such_upload()


def check_size(size: int) -> None:
    """Raise :class:`InvalidInput` for an upload of more bytes than allowed."""
    if size > UPLOAD_LIMIT:
        raise InvalidInput(
            FIELD, f"the upload has {size} bytes, {UPLOAD_LIMIT} are allowed; split it into several tasks"
        )


def no_such_upload() -> InvalidInput:
    """The same for one that is missing and for one of another tenant: nothing can be learnt from it."""
    return InvalidInput(FIELD, "there is no such upload; it must be one of your tenant's that is there already")
