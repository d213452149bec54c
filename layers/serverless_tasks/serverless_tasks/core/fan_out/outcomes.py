"""Outcomes of sub-tasks, as chunks store them and as a fan-in reads them.

A chunk keeps one line of JSON per sub-task, in order: ``null`` while there is nothing to say, else an object with
``index``, ``status``, ``attempt``, ``startedAt``, ``finishedAt`` and

    result                 COMPLETED
    resultRef              COMPLETED, the result is an object of its own
    error, run             FAILED in that run
    error, run, dueAt      CREATED: waits for its next attempt in that run

A failure or a wait counts in its own run only: a retry makes it due again without a write. Links lead straight to these
lines, so their format is documented (docs/results-and-payloads.md).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from serverless_tasks.core.inputs.json_text import INLINE_LIMIT, MAX_DEPTH, from_json_text, to_json_text
from serverless_tasks.core.task.status import TaskStatus

if TYPE_CHECKING:
    from serverless_tasks.core.fan_out.chunks import Range

NOTHING = "null"
RESULT_LIMIT = 262_144
"""Bytes of a result above which it is an object of its own, which a link can lead to."""
RESULTS_LIMIT = 16_777_216
"""Bytes of results in the lines of one chunk, above which each further one above 4 KB is an object of its own. Workers
that write the outcomes of a chunk, and calls that list them, hold all of its lines in memory."""

Reference = Mapping[str, Any]
LoadResult = Callable[[Reference], Any]

_ATTRIBUTES = ("result", "resultRef", "error")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a chunk, parsed."""

    status: TaskStatus
    """What the sub-task is by this line alone."""
    attempt: int
    started_at: str
    finished_at: str
    attributes: Mapping[str, Any]
    """``result``, ``resultRef`` or ``error``."""
    due_at: str | None = None
    """When its next attempt is due, if it waits for one."""

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to run."""
        return self.due_at is None


def fits_line(size: int, taken: int) -> bool:
    """Whether a result of so many bytes stays in its line, when those of its chunk have ``taken`` so many already."""
    return size <= INLINE_LIMIT or (size <= RESULT_LIMIT and taken + size <= RESULTS_LIMIT)


def completed_line(index: int, attempt: int, started_at: str, finished_at: str, result_text: str) -> str:
    """``result_text`` is JSON already and is not parsed again."""
    return _line("COMPLETED", index, attempt, started_at, finished_at, f'"result":{result_text}')


def referenced_line(index: int, attempt: int, started_at: str, finished_at: str, reference: Reference) -> str:
    """The result is in an object of its own."""
    return _line("COMPLETED", index, attempt, started_at, finished_at, f'"resultRef":{_text(reference)}')


def failed_line(index: int, attempt: int, started_at: str, finished_at: str, error: Mapping[str, str], run: int) -> str:
    """No attempt is left, or none would help."""
    return _line("FAILED", index, attempt, started_at, finished_at, f'"error":{_text(error)},"run":{run}')


def waiting_line(
    index: int, attempt: int, started_at: str, finished_at: str, error: Mapping[str, str], run: int, due_at: str
) -> str:
    """The next attempt is due at ``due_at``."""
    rest = f'"error":{_text(error)},"run":{run},"dueAt":"{due_at}"'
    return _line("CREATED", index, attempt, started_at, finished_at, rest)


def parse_line(line: str, run: int) -> Entry | None:
    """The entry, or None where the sub-task has no outcome that counts in ``run``."""
    if line == NOTHING:
        return None
    said = from_json_text(line, "outcome", MAX_DEPTH + 1)  # the line is an object around the result
    if said.get("run", run) != run:
        return None
    attributes = {name: said[name] for name in _ATTRIBUTES if name in said}
    status = TaskStatus(said["status"])
    return Entry(status, said["attempt"], said["startedAt"], said["finishedAt"], attributes, said.get("dueAt"))


def open_entries(lines: Iterable[str], run: int) -> Iterator[tuple[int, Entry | None]]:
    """The sub-tasks that are left to run in ``run``, by their offset in the chunk, with the last outcome if any."""
    for offset, line in enumerate(lines):
        entry = parse_line(line, run)
        if entry is None or not entry.ended:
            yield offset, entry


def tally(lines: Iterable[str], run: int) -> tuple[int, int, str | None]:
    """Completed, failed, and when the next waiting one is due (None: at once, or nothing waits)."""
    counts = {TaskStatus.COMPLETED: 0, TaskStatus.FAILED: 0}
    waits, untouched = list[str](), 0
    for line in lines:  # one after the other: as Python values, all results take several times as much
        entry = parse_line(line, run)
        if entry is None:
            untouched += 1
        elif entry.due_at:
            waits.append(entry.due_at)
        else:
            counts[entry.status] += 1
    due_at = min(waits) if waits and not untouched else None
    return counts[TaskStatus.COMPLETED], counts[TaskStatus.FAILED], due_at


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sub-task ended, as ``@x.finished`` gets it."""

    index: int
    status: TaskStatus
    attempt: int
    error: Mapping[str, str] | None
    """``{type, message}`` of one that failed."""
    started_at: str | None
    finished_at: str | None
    _attributes: Mapping[str, Any]
    _load: LoadResult

    @property
    def result(self) -> Any:
        """What the handler returned, None if it failed. One of an object of its own is fetched at each access."""
        reference = self._attributes.get("resultRef")
        return self._load(reference) if reference else self._attributes.get("result")

    @classmethod
    def of(cls, index: int, entry: Entry | None, load: LoadResult, otherwise: TaskStatus) -> Outcome:
        """The outcome of an entry; ``otherwise`` is the status of a sub-task that has none."""
        if entry is None or not entry.ended:
            return cls(index, otherwise, 0, None, None, None, {}, load)
        said, error = entry.attributes, entry.attributes.get("error")
        return cls(index, entry.status, entry.attempt, error, entry.started_at, entry.finished_at, said, load)


class Outcomes(Sequence[Outcome], Iterator[Outcome]):
    """The outcomes of all sub-tasks, as ``@x.finished`` gets them: a read-only list, read when it is asked for.

    ``len()`` reads nothing. Iteration reads from the first on and keeps none of them, each time anew. An index reads a
    chunk, and keeps its lines until another one is asked for. ``next()`` goes on where the last one ended, as does an
    iteration after it.
    """

    def __init__(
        self, chunks: Sequence[Range], lines: Callable[[int], Iterable[str]], run: int, load: LoadResult
    ) -> None:
        """``lines``: those of the chunk at this position in ``chunks``, which follow each other."""
        self._chunks = chunks
        self._lines = lines
        self._run = run
        self._load = load
        self._next: Iterator[Outcome] | None = None
        self._held: tuple[int, list[str]] = (-1, [])

    def __len__(self) -> int:
        return sum(chunk.count for chunk in self._chunks)

    def __iter__(self) -> Iterator[Outcome]:
        return self._all() if self._next is None else self._next

    def __next__(self) -> Outcome:
        if self._next is None:
            self._next = self._all()
        return next(self._next)

    @overload
    def __getitem__(self, index: int) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice) -> list[Outcome]: ...
    def __getitem__(self, index: int | slice) -> Outcome | list[Outcome]:
        if isinstance(index, slice):
            return [self._at(number) for number in range(len(self))[index]]
        return self._at(range(len(self))[index])

    def __repr__(self) -> str:
        return f"<{len(self)} outcomes, read when asked for>"

    def _all(self) -> Iterator[Outcome]:
        for position, chunk in enumerate(self._chunks):
            yield from outcomes_of(chunk.first, self._lines(position), self._run, self._load)

    def _at(self, index: int) -> Outcome:
        position = bisect_right(self._chunks, index, key=lambda chunk: chunk.first) - 1
        if self._held[0] != position:
            self._held = (position, list(self._lines(position)))
        line = self._held[1][index - self._chunks[position].first]
        return Outcome.of(index, parse_line(line, self._run), self._load, TaskStatus.FAILED)


def outcomes_of(first: int, lines: Iterable[str], run: int, load: LoadResult) -> Iterator[Outcome]:
    """Outcomes of one chunk in input order, lazily."""
    for offset, line in enumerate(lines):
        yield Outcome.of(first + offset, parse_line(line, run), load, TaskStatus.FAILED)


def _line(status: str, index: int, attempt: int, started_at: str, finished_at: str, rest: str) -> str:
    """By text: a chunk makes thousands, and their parts are JSON already, or times or numbers."""
    head = f'"index":{index},"status":"{status}","attempt":{attempt}'
    return f'{{{head},"startedAt":"{started_at}","finishedAt":"{finished_at}",{rest}}}'


def _text(value: Mapping[str, Any]) -> str:
    return to_json_text(value, "outcome")
