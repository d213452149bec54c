"""What is to be done with a task, decided from the task alone (docs/reliability.md).

The queue worker asks with a message: :func:`decide`. The sweeper asks at the task's ``dueAt``: :func:`sweep`. Each look
of the sweeper moves ``dueAt`` forward before anything is done, so that a task that stays open is looked at ever more
seldom and never keeps the sweeper from the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.task.transitions import goes_on
from serverless_tasks.core.times import after, from_iso

VISIBILITY_MARGIN = 30
"""Seconds after the end of a lease at which its message comes back."""
PATIENCE = 900
"""Seconds that a message, or an execution, is given before it is looked at again."""
LEASE_PATIENCE = 60
"""Seconds after the end of a lease at which the sweeper acts: the message is back after 30."""


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
class UsedUp:
    """Another attempt would be one more than the task may have."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Take the task."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing is wrong yet; look again at ``until``."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The task never was, or no longer is, on its way: send it again, and look again at ``until``."""

    until: datetime


@dataclass(frozen=True, slots=True)
class CheckExecution:
    """Its execution says whether a worker still has it; look again at ``until``."""

    until: datetime


def decide(
    task: TaskEntity, run: int, now: datetime, max_attempts: int
) -> Acknowledge | Wait | GiveUp | UsedUp | Claim:
    """What to do with a message of this run, which may be a duplicate, late, or early."""
    if task.run != run:
        return Acknowledge(f"the message is of run {run}, the task is in run {task.run}")
    match task.status:
        case TaskStatus.CREATED:
            return Claim()
        case TaskStatus.QUEUED:
            return Claim() if goes_on(task) or task.attempt < max_attempts else UsedUp()
        case TaskStatus.ERRORED:
            if task.attempt >= max_attempts:
                return UsedUp()
            wait = _seconds_until(task.next_attempt_at, now)
            return Wait(wait, "the backoff is not over") if wait > 0 else Claim()
        case TaskStatus.PROCESSING:
            wait = _seconds_until(task.lease_until, now)
            if wait > 0:
                return Wait(wait + VISIBILITY_MARGIN, "another worker holds the lease")
            return Claim() if task.attempt < max_attempts else GiveUp()
        case TaskStatus.STARTED | TaskStatus.FINISHED | TaskStatus.COMPLETED | TaskStatus.FAILED | TaskStatus.CANCELLED:
            return Acknowledge(f"the task is {task.status}")
        case _:
            assert_never(task.status)


def sweep(task: TaskEntity, now: datetime, first_look_seconds: int) -> Leave | Dispatch | CheckExecution:
    """What to do with an open task at its ``dueAt``."""
    match task.status:
        case TaskStatus.CREATED:
            return Dispatch(after(now, first_look_seconds))
        case TaskStatus.QUEUED:
            return _at(task.dispatched_at or task.updated_at, PATIENCE, task, now)
        case TaskStatus.ERRORED:
            return _at(task.next_attempt_at or task.updated_at, PATIENCE, task, now)
        case TaskStatus.PROCESSING:
            if task.kind is TaskKind.TASK:
                return _at(task.lease_until or task.updated_at, LEASE_PATIENCE, task, now)
            return CheckExecution(after(now, PATIENCE))
        case TaskStatus.STARTED | TaskStatus.FINISHED:
            return CheckExecution(after(now, PATIENCE))
        case TaskStatus.COMPLETED | TaskStatus.FAILED | TaskStatus.CANCELLED:
            raise ValueError(f"a task that is {task.status} is not open")
        case _:
            assert_never(task.status)


def _seconds_until(moment: str | None, now: datetime) -> float:
    return (from_iso(moment) - now).total_seconds() if moment else 0.0


def _at(moment: str, patience: int, task: TaskEntity, now: datetime) -> Leave | Dispatch:
    time = after(from_iso(moment), patience)
    return Leave(time) if time > now else Dispatch(_doubled(task, now))


def _doubled(task: TaskEntity, now: datetime) -> datetime:
    """As long again as the run is old, so that a backlog of hours gets a handful of duplicates."""
    began = next(entry["at"] for entry in reversed(task.history) if entry["status"] == TaskStatus.CREATED)
    return after(now, max(PATIENCE, (now - from_iso(began)).total_seconds()))
