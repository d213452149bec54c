"""Marks: where the elements of an input begin, so that it can be cut and read in parts."""

from __future__ import annotations

from array import array
from bisect import bisect_right

MARK_LIMIT = 1_000_000
"""Starts that are remembered, of 8 bytes each."""


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
