"""What the sweeper does with an open task whose time has come, decided from the task alone (design, section 5).

Each look moves ``dueAt`` forward before anything is done, so that a task that stays open is looked at ever more seldom
and never keeps the sweeper from the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.times import after, from_iso

PATIENCE = 900
"""Seconds that a message, or an execution, is given before it is looked at again."""
LEASE_PATIENCE = 60
"""Seconds after the end of a lease: its message is back after 30."""


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
    """Its execution says whether somebody still works on it; look again at ``until``."""

    until: datetime


Sweep = Leave | Dispatch | CheckExecution


def sweep(task: TaskEntity, now: datetime, first_look_seconds: int) -> Sweep:
    """What to do with an open task at its ``dueAt``."""
    match task.status:
        case TaskStatus.CREATED:
            return Dispatch(after(now, first_look_seconds))
        case TaskStatus.QUEUED:
            return _at(task.dispatched_at or task.updated_at, PATIENCE, task, now)
        case TaskStatus.ERRORED:
            return _at(task.next_attempt_at or task.updated_at, PATIENCE, task, now)
        case TaskStatus.PROCESSING if task.kind is TaskKind.TASK:
            return _at(task.lease_until or task.updated_at, LEASE_PATIENCE, task, now)
        case _:
            return CheckExecution(after(now, PATIENCE))


def _at(moment: str, patience: int, task: TaskEntity, now: datetime) -> Sweep:
    time = after(from_iso(moment), patience)
    return Leave(time) if time > now else Dispatch(_doubled(task, now))


def _doubled(task: TaskEntity, now: datetime) -> datetime:
    """As long again as the run is old, so that a backlog of hours gets a handful of duplicates."""
    began = next(entry["at"] for entry in reversed(task.history) if entry["status"] == TaskStatus.CREATED)
    return after(now, max(PATIENCE, (now - from_iso(began)).total_seconds()))
