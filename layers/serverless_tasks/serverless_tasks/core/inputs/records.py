"""Inputs in the bucket, from bytes to elements: JSON Lines, and CSV with a header; and marks, where elements begin.

Every reader of an input, whole or in part, uses these functions: all see the same elements at the same bytes. A line
ends at a newline and nowhere else; the last one needs none. In JSON a carriage return before it is white space, in CSV
part of the line's end. Empty lines are no elements. The text is UTF-8, and a byte order mark at its beginning is
skipped.
"""

from __future__ import annotations

import csv
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from json import JSONDecodeError
from typing import Any, NamedTuple

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.inputs.json_text import FIELD, broken, from_json_text, split_lines
from serverless_tasks.core.inputs.uploads import LINE_LIMIT, Format

HEADER_LIMIT = 4096
"""Bytes of a CSV header: it stands in the task's item, where payloads end at the same size."""
MARK_LIMIT = 1_000_000
"""Starts that are remembered, of 8 bytes each."""

Header = Sequence[str]
Decode = Callable[[bytes], Any]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON_SPACE = b" \t\r"
_NO_RECORD = (b"", b"\r")

# The module's own limit, 131,072 characters, is below ours. It holds for the whole process, so it is only ever raised.
csv.field_size_limit(max(csv.field_size_limit(), LINE_LIMIT))


class Record(NamedTuple):
    """The text of one element: a line, in CSV perhaps more than one."""

    line: int
    """Number of its first line, from 1."""
    start: int
    """Its first byte in the object."""
    end: int
    """The byte after it and its newline, even where the last line has none."""
    text: bytes
    """Without that newline."""


class Marks:
    """Where every element begins, and from a million on of every second, fourth, … one.

    Chunks are cut at marks only, so their size is a multiple of ``step``.
    """

    def __init__(self, limit: int = MARK_LIMIT) -> None:
        self.count = 0
        """Elements so far."""
        self.step = 1
        self.end = 0
        """The byte after the last element."""
        self._limit = limit
        self._starts = array("Q")

    def add(self, start: int, end: int) -> None:
        """The next element is in the bytes from ``start`` to ``end``, exclusive."""
        if self.count % self.step == 0 and len(self._starts) == self._limit:
            self._starts = self._starts[::2]
            self.step *= 2
        if self.count % self.step == 0:
            self._starts.append(start)
        self.count += 1
        self.end = end

    def at(self, index: int) -> int:
        """Where the element begins, or for ``count`` where the last one ends. Raises ``ValueError`` between marks."""
        if index == self.count:
            return self.end
        if index % self.step:
            raise ValueError(f"element {index} has no mark, only every {self.step}th has")
        return self._starts[index // self.step]

    def reach(self, first: int, count: int, size: int) -> int:
        """The index where a chunk ends that begins at mark ``first``: ``count`` for the last one, else a mark.

        It has no more than ``size`` bytes and ``count`` elements, rounded up to whole steps; but one step in any case.
        """
        here = first // self.step
        furthest = here + -(-count // self.step)
        end = self._starts[here] + size
        if furthest >= len(self._starts) and self.end <= end:
            return self.count
        found = bisect_right(self._starts, end, here + 1, min(furthest + 1, len(self._starts))) - 1
        return min(max(found, here + 1) * self.step, self.count)


def records(
    blocks: Iterable[bytes], written: Format, start: int = 0, limit: int | None = LINE_LIMIT
) -> Iterator[Record]:
    """Records of the bytes from ``start`` on, where a line begins."""
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
    """A function that makes an element of a record's text. It raises :class:`InvalidInput`; only its reason counts."""
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
