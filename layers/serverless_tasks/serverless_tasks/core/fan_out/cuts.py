"""Cuts: where one chunk of a list ends and the next one begins.

A list in an item is cut evenly. An input in the bucket is cut at its marks, by elements and by bytes: what its elements
weigh on average says nothing about a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from serverless_tasks.core.errors import InvalidInput, PayloadMissing
from serverless_tasks.core.fan_out.chunks import CHUNK_BYTES, MAX_CHUNKS, Chunk, Limits, Range
from serverless_tasks.core.inputs.json_text import FIELD

if TYPE_CHECKING:
    from serverless_tasks.core.inputs.marks import Marks

DEFAULT_MAX_SIZE = 1000
"""Sub-tasks of one chunk at most, unless the type says more or the list is longer than a million."""
CHUNK_BYTES_LIMIT = 268_435_456
"""Bytes of the input above which no chunk is made: half of what a worker has by default, of which the runtime takes its
part. Only what cannot be cut comes here, a single element of a list from code: a line of an upload has 3 MB at most."""


def chunk_size(count: int, concurrency: int, wanted: int | None = None) -> int:
    """Sub-tasks per chunk: two chunks for each that may run at once, so that a slow one holds up little."""
    least = -(-count // MAX_CHUNKS)
    even = -(-count // (2 * concurrency))
    return max(least, wanted or min(even, DEFAULT_MAX_SIZE), 1)


def limits_for(count: int, concurrency: int, wanted: int | None = None, marks: Marks | None = None) -> Limits:
    """What a chunk of the list has at most. They grow together until there are no more than :data:`MAX_CHUNKS`.

    Raises :class:`InvalidInput` for elements that cannot be cut and are too large for a chunk.
    """
    limits = Limits(chunk_size(count, concurrency, wanted), CHUNK_BYTES)
    if marks is None:
        return limits
    while len(ranges := list(cut(count, limits, marks))) > MAX_CHUNKS:
        limits = Limits(limits.count + limits.count // 8 + 1, limits.bytes + limits.bytes // 8)
    for each in ranges:
        _check(each)
    return limits


def cut(count: int, limits: Limits, marks: Marks | None = None) -> Iterator[Range]:
    """Ranges within the limits, or of one mark's worth. ``marks``: where elements begin in the input's object."""
    number = first = 0
    while first < count:
        if marks is None:
            after = min(first + limits.count, count)
            yield Range(number, first, after - first)
        else:
            after = marks.reach(first, limits.count, limits.bytes)
            yield Range(number, first, after - first, marks.at(first), marks.at(after))
        number, first = number + 1, after


def limits_of(known: Sequence[Chunk], count: int, marks: Marks | None, begun_with: Limits | None) -> Limits:
    """Limits by which these chunks were cut, some of which may have expired: by them the missing ones fit in between.

    ``begun_with``: those that the task knows. The first chunk has them, too; else they are found from where the others
    are. Raises :class:`PayloadMissing` when the chunks fit no cut.
    """
    there = [chunk.range for chunk in known]
    sizes = (max(each.count for each in there), *(each.first // each.number for each in there if each.number))
    for limits in (begun_with, known[0].limits, *map(Limits, dict.fromkeys(sizes))):
        if limits and _fit(there, cut(count, limits, marks)):
            return limits
    raise PayloadMissing("chunks of it have expired, and where they were is not known; create the task anew")


def _fit(there: Sequence[Range], ranges: Iterator[Range]) -> bool:
    cuts = {each.number: (each.first, each.count) for each in ranges}
    return all(cuts.get(each.number) == (each.first, each.count) for each in there)


def _check(found: Range) -> None:
    if found.bytes <= CHUNK_BYTES_LIMIT:
        return
    last = found.first + found.count - 1
    raise InvalidInput(
        FIELD,
        f"sub-tasks {found.first} to {last} have {found.bytes} bytes in one piece, {CHUNK_BYTES_LIMIT} are allowed; "
        "store what is large, and let elements give its key",
    )
