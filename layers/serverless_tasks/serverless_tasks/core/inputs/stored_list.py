"""A list that is too long to be held without need: the input of a fan-in, in the bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload


class StoredList(Sequence[Any]):
    """A read-only list whose elements are read when they are asked for.

    ``len()`` reads nothing. Iteration reads from the first element on and keeps none of them, each time anew. An index,
    a slice or ``reversed`` needs the whole list: it is read once and kept.
    """

    def __init__(self, count: int, read: Callable[[], Iterator[Any]]) -> None:
        self._count = count
        self._read = read
        self._kept: list[Any] | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        return self._read() if self._kept is None else iter(self._kept)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if self._kept is None:
            self._kept = list(self._read())
        return self._kept[index]

    def __repr__(self) -> str:
        return f"<{self._count} elements, read when asked for>"
