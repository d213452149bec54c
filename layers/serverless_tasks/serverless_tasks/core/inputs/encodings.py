"""Names bytes that are no text in UTF-8 by how they begin, in the words of an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.inputs.json_text import FIELD

LOOKED_AT = 4
"""Bytes that tell."""
_SAVE = "save it as UTF-8"
_BEGINNINGS = (
    (b"\x1f\x8b", "is compressed by gzip; send it uncompressed"),
    (b"PK\x03\x04", "is a ZIP archive, as an Excel workbook is; send the text itself, a workbook saved as CSV"),
    (b"\xff\xfe", f"is UTF-16; {_SAVE}"),
    (b"\xfe\xff", f"is UTF-16; {_SAVE}"),
)


def foreign(head: bytes) -> str | None:
    """What it is instead, and what to do, if it cannot be text in UTF-8. ``head``: its first bytes, or all."""
    for beginning, words in _BEGINNINGS:
        if head.startswith(beginning):
            return words
    return f"has NUL bytes, perhaps of UTF-16; {_SAVE}" if b"\x00" in head[:LOOKED_AT] else None


def checked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same blocks. Raises :class:`InvalidInput` where they begin as no text in UTF-8 does."""
    rest, head = iter(blocks), b""
    while len(head) < LOOKED_AT and (block := next(rest, None)) is not None:
        head += block
    if words := foreign(head):
        raise InvalidInput(FIELD, words)
    yield head
    yield from rest
