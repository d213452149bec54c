"""Inputs in the bucket, from bytes to elements: JSON Lines, and CSV with a header.

Whoever reads an input, whole or a range of it, reads it by these functions, so that all see the same elements at the
same places. A line ends at a newline and nowhere else; the last one needs none. In JSON a carriage return before it is
white space, in CSV part of the line's end. Lines with nothing on them are no elements. The text is UTF-8, and a byte
order mark at its very beginning is skipped.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from json import JSONDecodeError
from typing import Any, NamedTuple

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.inputs.json_text import from_json_text
from serverless_tasks.core.inputs.lines import FIELD, broken, split_lines
from serverless_tasks.core.inputs.uploads import LINE_LIMIT, Format

HEADER_LIMIT = 4096
"""Bytes of a CSV header: it stands in the task's item, where payloads end at the same size."""

Header = Sequence[str]
Decode = Callable[[bytes], Any]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON_SPACE = b" \t\r"
_NO_RECORD = (b"", b"\r")

# The module's own limit, 131,072 characters, is below ours. It holds for the whole process, so it is only ever raised.
csv.field_size_limit(max(csv.field_size_limit(), LINE_LIMIT))


class Record(NamedTuple):
    """What one element is made of: a line, in CSV perhaps more than one."""

    line: int
    """Number of its first line, from 1."""
    start: int
    """Its first byte in the object."""
    end: int
    """The byte after it and its newline, even where the last line has none."""
    text: bytes
    """Without that newline."""


def records(
    blocks: Iterable[bytes], written: Format, start: int = 0, limit: int | None = LINE_LIMIT
) -> Iterator[Record]:
    """Records of the bytes from ``start`` on, which is where a line begins."""
    lines = _numbered(split_lines(blocks, limit), start)
    return _rows(lines, limit) if written is Format.CSV else _json_lines(lines)


def opened(
    blocks: Iterable[bytes], written: Format, limit: int | None = LINE_LIMIT
) -> tuple[Header | None, Iterator[Record]]:
    """Header and records of a whole object. One of CSV that is empty has neither.

    Raises :class:`InvalidInput` naming the line, here and while the records are read.
    """
    found = records(blocks, written, 0, limit)
    if written is Format.JSONL:
        return None, found
    first = next(found, None)
    return (_header(first) if first else None), found


def decoder(header: Header | None) -> Decode:
    """What makes an element of a record's text. It raises :class:`InvalidInput`, of which only the reason counts."""
    return _element if header is None else lambda text: _row(text, header)


def decode(text: bytes, line: int, read: Decode) -> Any:
    """The element of a record. Raises :class:`InvalidInput` naming the line."""
    try:
        return read(text)
    except InvalidInput as error:
        raise broken(line, error.reason) from error


def _numbered(lines: Iterable[bytes], start: int) -> Iterator[Record]:
    """Lines as records. A range that begins after the mark begins at byte 3, so byte 0 is where one may stand."""
    for number, line in enumerate(lines, 1):
        end = start + len(line) + 1
        marked = start == 0 and line.startswith(_BYTE_ORDER_MARK)
        skipped = len(_BYTE_ORDER_MARK) if marked else 0
        yield Record(number, start + skipped, end, line[skipped:])
        start = end


def _json_lines(lines: Iterable[Record]) -> Iterator[Record]:
    return (line for line in lines if line.text.strip(_JSON_SPACE))


def _rows(lines: Iterable[Record], limit: int | None) -> Iterator[Record]:
    """A record ends where its quotes, and the quotes inside of quotes, are even in number."""
    first: Record | None = None
    texts: list[bytes] = []
    quotes = 0
    for line in lines:
        if first is None and line.text in _NO_RECORD:
            continue
        first = first or line
        texts.append(line.text)
        quotes += line.text.count(b'"')
        if limit is not None and line.end - first.start - 1 > limit:
            raise broken(first.line, f"a record has more than {limit} bytes; perhaps a quote is not closed")
        if quotes % 2 == 0:
            yield Record(first.line, first.start, line.end, b"\n".join(texts))
            first, texts, quotes = None, [], 0
    if first is not None:
        raise broken(first.line, "a quote is not closed")


def _element(text: bytes) -> Any:
    try:
        return from_json_text(_decoded(text))
    except InvalidInput as error:
        cause = error.__cause__
        if not isinstance(cause, JSONDecodeError):
            raise
        raise InvalidInput(FIELD, f"is not JSON: {cause.msg} at character {cause.pos + 1}") from error


def _row(text: bytes, header: Header) -> dict[str, str]:
    fields = _fields(text)
    if len(fields) != len(header):
        raise InvalidInput(FIELD, f"has {len(fields)} fields, the header has {len(header)}")
    return dict(zip(header, fields, strict=True))


def _fields(text: bytes) -> list[str]:
    try:
        [fields] = csv.reader([_decoded(text)], strict=True)
    except csv.Error as error:
        raise InvalidInput(FIELD, f"is not CSV: {error}") from error
    return fields


def _header(record: Record) -> Header:
    if len(record.text) > HEADER_LIMIT:
        raise broken(record.line, f"the header has {len(record.text)} bytes, {HEADER_LIMIT} are allowed")
    names: list[str] = decode(record.text, record.line, _fields)
    if not names:
        raise broken(record.line, "the header has no names")
    if not all(names):
        raise broken(record.line, "the header has an empty name")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise broken(record.line, f"the header has the name {twice!r} more than once")
    return names


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(FIELD, f"is not UTF-8 at byte {error.start + 1}") from error
