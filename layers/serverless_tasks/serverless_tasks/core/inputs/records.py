"""Inputs in the bucket, from bytes to elements: JSON Lines, and CSV with a header.

Every reader of an input, whole or in part, uses these functions: all see the same elements at the same bytes. A line
ends at a newline and nowhere else; the last one needs none. In JSON a carriage return before it is white space, in CSV
part of the line's end. Empty lines are no elements. The text is UTF-8, and a byte order mark at its beginning is
skipped.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from json import JSONDecodeError
from typing import Any, NamedTuple

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.inputs.json_text import FIELD, NO_NEWLINES, broken, from_json_text, split_lines
from serverless_tasks.core.inputs.uploads import LINE_LIMIT, LINES_LIMIT, Format

COMMA = ","
DELIMITERS = (COMMA, ";", "\t")
"""Those that a header shows by itself, the first of them that parts it."""

JSON_SPACE = b" \t\r"
"""What JSON skips within a line."""

Decode = Callable[[bytes], Any]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NO_RECORD = (b"", b"\r")
_QUOTES = 'a quote inside of a field is written twice, and the field in quotes: "5"" pipe" for 5" pipe'
_WHOLE = "each line of JSON Lines is a whole value: no brackets around all of them, no commas between them"

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


class Header(NamedTuple):
    """The names of a CSV's fields, and the delimiter between them."""

    names: Sequence[str]
    delimiter: str = COMMA

    @classmethod
    def of(cls, reference: Mapping[str, Any]) -> Header | None:
        """That of an input that has been planned, as its reference keeps it."""
        return cls(reference["header"], reference.get("delimiter", COMMA)) if "header" in reference else None

    @property
    def kept(self) -> dict[str, Any]:
        """What a reference keeps of it."""
        return {"header": list(self.names)} | ({} if self.delimiter == COMMA else {"delimiter": self.delimiter})


def records(
    blocks: Iterable[bytes], written: Format, start: int = 0, limit: int | None = LINE_LIMIT
) -> Iterator[Record]:
    """Records of the bytes from ``start`` on, where a line begins."""
    lines = _numbered(split_lines(blocks, limit), start, None if limit is None else LINES_LIMIT)
    return _rows(lines, limit) if written is Format.CSV else _json_lines(lines)


def decoder(header: Header | None) -> Decode:
    """A function that makes an element of a record's text. It raises :class:`InvalidInput`; only its reason counts."""
    return _element if header is None else lambda text: _row(text, header)


def decode(text: bytes, line: int, read: Decode) -> Any:
    """The element of a record. Raises :class:`InvalidInput` naming the line."""
    try:
        return read(text)
    except InvalidInput as error:
        raise broken(line, error.reason) from error


def _numbered(lines: Iterable[bytes], start: int, most: int | None) -> Iterator[Record]:
    """Lines as records. A range that begins after the mark begins at byte 3, so byte 0 is where one may stand."""
    for number, line in enumerate(lines, 1):
        if most is not None and number > most:
            raise InvalidInput(FIELD, f"has more than {most} lines, blank ones too; split it into several tasks")
        end = start + len(line) + 1
        marked = start == 0 and line.startswith(_BYTE_ORDER_MARK)
        skipped = len(_BYTE_ORDER_MARK) if marked else 0
        yield Record(number, start + skipped, end, line[skipped:])
        start = end


def _json_lines(lines: Iterable[Record]) -> Iterator[Record]:
    return (line for line in lines if line.text.strip(JSON_SPACE))


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
            raise broken(first.line, f"a record has more than {limit} bytes; perhaps a quote is not closed; {_QUOTES}")
        if quotes % 2 == 0:
            yield Record(first.line, first.start, line.end, b"\n".join(texts))
            first, texts, quotes = None, [], 0
    if first is not None:
        raise broken(first.line, f"a quote is not closed; {_QUOTES}")


def _element(text: bytes) -> Any:
    try:
        return from_json_text(_decoded(text))
    except InvalidInput as error:
        cause = error.__cause__
        if not isinstance(cause, JSONDecodeError):
            raise
        raise InvalidInput(FIELD, f"is not JSON: {cause.msg} at character {cause.pos + 1}{_of_json(text)}") from error


def _of_json(text: bytes) -> str:
    """What may be wrong with a line that is not JSON."""
    line = text.strip(JSON_SPACE)
    if b"\r" in line:
        return f"; {NO_NEWLINES}"
    return f"; {_WHOLE}" if line == b"{" or line.startswith(b"[") or line.endswith(b",") else ""


def _row(text: bytes, header: Header) -> dict[str, str]:
    names = header.names
    fields = fields_of(text, header.delimiter)
    if len(fields) != len(names):
        hint = _hint(text, names, header.delimiter)
        raise InvalidInput(FIELD, f"has {len(fields)} fields, the header has {len(names)}{hint}")
    return dict(zip(names, fields, strict=True))


def _hint(text: bytes, names: Sequence[str], delimiter: str) -> str:
    """What may be wrong where the numbers of fields differ."""
    if b"\n" in text:
        return f"; {_QUOTES}"
    other = next((other for other in DELIMITERS if other != delimiter and any(other in name for name in names)), None)
    return f"; if {other!r} stands between them, say so by a first line sep={other}" if other else ""


def fields_of(text: bytes, delimiter: str) -> list[str]:
    """The fields of a record of CSV. Raises :class:`InvalidInput`; only its reason counts."""
    line = _decoded(text)
    try:
        [fields] = csv.reader([line], strict=True, delimiter=delimiter)
    except csv.Error as error:
        hint = NO_NEWLINES if "\r" in line and "\n" not in line else _QUOTES if '"' in line else str(error)
        raise InvalidInput(FIELD, f"is not CSV: {hint}") from error
    return fields


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(FIELD, f"is not UTF-8 at byte {error.start + 1}") from error
