"""Outcomes of sub-tasks, as chunks store them and as a fan-in reads them.

A chunk keeps one line of JSON per sub-task, in order: ``null`` while there is nothing to say, else an array

    ["C", attempt, started, finished, result]            completed
    ["R", attempt, started, finished, reference]         completed, the result is an object of its own
    ["F", attempt, started, finished, error, run]        failed in that run
    ["W", attempt, started, finished, error, run, due]   waits for its next attempt in that run

with times in milliseconds. What failed or waits counts in its own run only: a retry makes it due again without a write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from serverless_tasks.core.json_text import MAX_DEPTH, from_json_text, to_json_text
from serverless_tasks.core.status import TaskStatus
from serverless_tasks.core.times import from_millis, to_iso

NOTHING = "null"

Reference = Mapping[str, Any]
LoadResult = Callable[[Reference], Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a chunk, parsed. ``value`` is the result, the reference or the error, by ``letter``."""

    letter: str
    attempt: int
    started: int
    finished: int
    value: Any
    run: int = 0
    due: int = 0

    @property
    def status(self) -> TaskStatus:
        """What the sub-task is by this line alone."""
        return _STATUS[self.letter]

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to run."""
        return self.letter != "W"


_STATUS = {"C": TaskStatus.COMPLETED, "R": TaskStatus.COMPLETED, "F": TaskStatus.FAILED, "W": TaskStatus.CREATED}


def completed_line(attempt: int, started: int, finished: int, result_text: str) -> str:
    """``result_text`` is JSON already and is not parsed again."""
    return f'["C",{attempt},{started},{finished},{result_text}]'


def referenced_line(attempt: int, started: int, finished: int, reference: Reference) -> str:
    """The result is in an object of its own."""
    return _line("R", attempt, started, finished, reference)


def failed_line(attempt: int, started: int, finished: int, error: Mapping[str, str], run: int) -> str:
    """No attempt is left, or none would help."""
    return _line("F", attempt, started, finished, error, run)


def waiting_line(attempt: int, started: int, finished: int, error: Mapping[str, str], run: int, due: int) -> str:
    """The next attempt is due at ``due``."""
    return _line("W", attempt, started, finished, error, run, due)


def parse_line(line: str, run: int) -> Entry | None:
    """The entry, or None where the sub-task has no outcome that counts in ``run``."""
    parts = from_json_text(line, "outcome", MAX_DEPTH + 1)  # the line is an array around the result
    if parts is None:
        return None
    entry = Entry(*parts)
    return None if entry.letter in "FW" and entry.run != run else entry


def tally(lines: Iterable[str], run: int) -> tuple[int, int, int | None]:
    """Completed, failed, and when the next waiting one is due (None: at once, or nothing waits)."""
    entries = [parse_line(line, run) for line in lines]
    completed = sum(1 for entry in entries if entry and entry.status is TaskStatus.COMPLETED)
    failed = sum(1 for entry in entries if entry and entry.status is TaskStatus.FAILED)
    waits = [entry.due for entry in entries if entry and not entry.ended]
    untouched = len(entries) - completed - failed - len(waits)
    return completed, failed, min(waits) if waits and not untouched else None


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
    _value: Any
    _load: LoadResult | None

    @property
    def result(self) -> Any:
        """What the handler returned, None if it failed. One above 256 KB is fetched from the bucket at each access."""
        return self._load(self._value) if self._load else self._value

    @classmethod
    def of(cls, index: int, entry: Entry | None, load: LoadResult, otherwise: TaskStatus) -> Outcome:
        """The outcome of an entry; ``otherwise`` is the status of a sub-task that has none."""
        if entry is None or not entry.ended:
            return cls(index, otherwise, 0, None, None, None, None, None)
        started, finished = to_iso(from_millis(entry.started)), to_iso(from_millis(entry.finished))
        if entry.letter == "F":
            return cls(index, entry.status, entry.attempt, entry.value, started, finished, None, None)
        loader = load if entry.letter == "R" else None
        return cls(index, entry.status, entry.attempt, None, started, finished, entry.value, loader)


def outcomes_of(first: int, lines: Iterable[str], run: int, load: LoadResult) -> Iterator[Outcome]:
    """Outcomes of one chunk in input order, lazily."""
    for offset, line in enumerate(lines):
        yield Outcome.of(first + offset, parse_line(line, run), load, TaskStatus.FAILED)


def _line(*parts: Any) -> str:
    return to_json_text(parts, "outcome")
