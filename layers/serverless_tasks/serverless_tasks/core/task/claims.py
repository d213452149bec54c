"""What a queue worker does with a message, decided from the task alone (design, section 5, queue rules)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import from_iso

VISIBILITY_MARGIN = 30
"""Seconds after the end of a lease at which its message comes back."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Nothing is left to do for this message."""

    because: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: let the message come back after so many seconds."""

    seconds: float
    because: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The last attempt's worker died; there is no other attempt."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Take the task."""


Decision = Acknowledge | Wait | GiveUp | Claim


def decide(task: TaskEntity, run: int, now: datetime, max_attempts: int) -> Decision:
    """What to do with a message of this run, which may be a duplicate, late, or early."""
    if task.run != run:
        return Acknowledge(f"the message is of run {run}, the task is in run {task.run}")
    match task.status:
        case TaskStatus.CREATED | TaskStatus.QUEUED:
            return Claim()
        case TaskStatus.ERRORED:
            wait = _seconds_until(task.next_attempt_at, now)
            return Wait(wait, "the backoff is not over") if wait > 0 else Claim()
        case TaskStatus.PROCESSING:
            wait = _seconds_until(task.lease_until, now)
            if wait > 0:
                return Wait(wait + VISIBILITY_MARGIN, "another worker holds the lease")
            return Claim() if task.attempt < max_attempts else GiveUp()
        case _:
            return Acknowledge(f"the task is {task.status}")


def _seconds_until(moment: str | None, now: datetime) -> float:
    return (from_iso(moment) - now).total_seconds() if moment else 0.0
