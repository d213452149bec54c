"""Whole inputs, as they are read for the first time: whether they are text, their header, and the delimiter of CSV.

Workers that read a part of one go by what was found then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.inputs.encodings import checked
from serverless_tasks.core.inputs.json_text import NO_NEWLINES, broken
from serverless_tasks.core.inputs.records import (
    COMMA,
    DELIMITERS,
    JSON_SPACE,
    Header,
    Record,
    decode,
    fields_of,
    records,
)
from serverless_tasks.core.inputs.uploads import LINE_LIMIT, Format

HEADER_LIMIT = 4096
"""Bytes of a CSV header: it stands in the task's item, where payloads end at the same size."""
_SEPARATOR = re.compile(rb'"?sep=(.)"?\r?')
"""A first line by which Excel writes and reads the delimiter."""


def opened(
    blocks: Iterable[bytes], written: Format, limit: int | None = LINE_LIMIT
) -> tuple[Header | None, Iterator[Record]]:
    """Header and records of a whole object. One of CSV that is empty has neither.

    Raises :class:`InvalidInput` naming the line, here and while the records are read.
    """
    found = records(checked(blocks), written, 0, limit)
    if written is Format.JSONL:
        return None, found
    first, delimiter = next(found, None), None
    if first and (said := _SEPARATOR.fullmatch(first.text)):
        delimiter = said[1].decode(errors="replace")
        if delimiter not in DELIMITERS:
            raise broken(first.line, f"sep={delimiter} is no delimiter; it may be a comma, a semicolon or a tab")
        first = next(found, None)
    return (_header(first, delimiter) if first else None), found


def refuse_whole_array(record: Record) -> None:
    """Raise for the only line of JSON Lines if it is an array: its elements were meant, not one sub-task."""
    if record.text.lstrip(JSON_SPACE).startswith(b"["):
        words = "is the only one, and an array; write each of its elements on a line of its own (jq -c '.[]')"
        raise broken(record.line, f"{words}. An array that is one element goes into input, not into an upload")


def _parting(text: bytes) -> str:
    """The delimiter that parts the header: a comma if it does, else the one that parts it most, else a comma."""

    def parts(delimiter: str) -> int:
        try:
            return len(fields_of(text, delimiter))
        except InvalidInput:
            return 0

    found = {delimiter: parts(delimiter) for delimiter in DELIMITERS}
    return COMMA if found[COMMA] > 1 or max(found.values()) <= 1 else max(found, key=lambda one: found[one])


def _header(record: Record, delimiter: str | None) -> Header:
    if len(record.text) > HEADER_LIMIT:
        hint = f"; {NO_NEWLINES}" if b"\r" in record.text.rstrip(b"\r") else ""
        raise broken(record.line, f"the header has {len(record.text)} bytes, {HEADER_LIMIT} are allowed{hint}")
    parting = delimiter or _parting(record.text)
    names: list[str] = decode(record.text, record.line, lambda text: fields_of(text, parting))
    if not names:
        raise broken(record.line, "the header has no names")
    if not all(names):
        raise broken(record.line, "the header has an empty name")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise broken(record.line, f"the header has the name {twice!r} more than once")
    return Header(names, parting)
