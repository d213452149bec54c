"""Marks: where the elements of an input begin, in memory that does not grow with it."""

from __future__ import annotations

from array import array
from bisect import bisect_right

MARK_LIMIT = 1_000_000
"""Places that are remembered, of 8 bytes each."""


class Marks:
    """The place of every element, and from a million on of every second, fourth, … one.

    Chunks are cut at marks only, so their size is a multiple of ``step``.
    """

    def __init__(self, limit: int = MARK_LIMIT) -> None:
        self.count = 0
        """Elements so far."""
        self.step = 1
        self.end = 0
        """The byte after the last element."""
        self._limit = limit
        self._places = array("Q")

    def add(self, start: int, end: int) -> None:
        """The next element is in the bytes from ``start`` to ``end``, exclusive."""
        if self.count % self.step == 0 and len(self._places) == self._limit:
            self._places = self._places[::2]
            self.step *= 2
        if self.count % self.step == 0:
            self._places.append(start)
        self.count += 1
        self.end = end

    def at(self, index: int) -> int:
        """Where the element begins, or for ``count`` where the last one ends. Raises ``ValueError`` between marks."""
        if index == self.count:
            return self.end
        if index % self.step:
            raise ValueError(f"element {index} has no mark, only every {self.step}th has")
        return self._places[index // self.step]

    def reach(self, first: int, count: int, size: int) -> int:
        """The index where a chunk ends that begins at mark ``first``: ``count`` for the last one, else a mark.

        It has no more than ``size`` bytes and ``count`` elements, rounded up to whole steps; but one step in any case.
        """
        here = first // self.step
        furthest = here + -(-count // self.step)
        end = self._places[here] + size
        if furthest >= len(self._places) and self.end <= end:
            return self.count
        found = bisect_right(self._places, end, here + 1, min(furthest + 1, len(self._places))) - 1
        return min(max(found, here + 1) * self.step, self.count)
