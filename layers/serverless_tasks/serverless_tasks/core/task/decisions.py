"""Decides the next step of a task from the task alone (docs/reliability.md).

The queue worker asks with a message: :func:`decide`. The sweeper asks at the task's ``dueAt``: :func:`sweep`. Each look
of the sweeper moves ``dueAt`` forward before anything is done, so that a task that stays open never keeps the sweeper
from the others. It comes back within a quarter of an hour, unless the task itself waits for longer.
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
"""Seconds after the end of a lease, or of a lane, at which the sweeper acts: a message is back after 30."""
LANE_SECONDS = 300
"""After which Step Functions ends an Express execution (https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html)."""
FAN_IN_SECONDS = 900
"""That a fan-in may take, also when the lane that called it has ended (Lambda's longest timeout)."""
MESSAGE_SECONDS = 14 * 86400
"""Seconds after its sending at which SQS deletes a message, hidden or not, whatever its task waits for (SQS quotas; the
template's ``MessageRetentionPeriod``)."""

DIED, OVER, DIED_OR_OVER = "worker died", "invocation over", "worker died, or invocation over"
"""Why the attempt before this one has no end: a reason in the history."""


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


def why_lost(task: TaskEntity, invocation: float, heartbeat: bool) -> str:
    """Why the worker that held the task has said no more, as far as its lease tells.

    ``invocation``: seconds that an invocation has. A lease to the end of one says that its worker lived until then, if
    it gave signs of life.
    """
    claims = (entry["at"] for entry in reversed(task.history) if entry["status"] == TaskStatus.PROCESSING)
    claimed_at, until = next(claims, task.updated_at), task.lease_until or task.updated_at
    if (from_iso(until) - from_iso(claimed_at)).total_seconds() < invocation:
        return DIED
    return OVER if heartbeat else DIED_OR_OVER


def sweep(
    task: TaskEntity, now: datetime, first_look_seconds: int, *, in_lane: bool = False
) -> Leave | Dispatch | CheckExecution:
    """What to do with an open task at its ``dueAt``. ``in_lane``: its execution is, or was, one of the fast lane."""
    if in_lane and (over := _lane_is_over_at(task)) > now:
        return Leave(over)
    match task.status:
        case TaskStatus.CREATED:
            return Dispatch(after(now, min(first_look_seconds, PATIENCE)))
        case TaskStatus.QUEUED:
            return _message_of(task, _changed_at(task), PATIENCE, now)
        case TaskStatus.ERRORED:
            return _message_of(task, task.next_attempt_at or _changed_at(task), PATIENCE, now)
        case TaskStatus.PROCESSING:
            if task.kind is TaskKind.SFN_TASK:
                return CheckExecution(after(now, PATIENCE))
            if _seconds_until(task.lease_until, now) > 0:
                return Leave(after(now, PATIENCE))
            return _message_of(task, task.lease_until or _changed_at(task), LEASE_PATIENCE, now)
        case TaskStatus.STARTED | TaskStatus.FINISHED:
            return CheckExecution(after(now, PATIENCE))
        case TaskStatus.COMPLETED | TaskStatus.FAILED | TaskStatus.CANCELLED:
            raise ValueError(f"a task that is {task.status} is not open")
        case _:
            assert_never(task.status)


def _lane_is_over_at(task: TaskEntity) -> datetime:
    """When no lane that has to do with this status lives any more. Nobody can ask Step Functions for that."""
    seconds = FAN_IN_SECONDS if task.status is TaskStatus.FINISHED else LANE_SECONDS
    return after(from_iso(_changed_at(task)), seconds + LEASE_PATIENCE)


def _seconds_until(moment: str | None, now: datetime) -> float:
    return (from_iso(moment) - now).total_seconds() if moment else 0.0


def _message_of(task: TaskEntity, wanted_at: str, patience: int, now: datetime) -> Leave | Dispatch:
    """Send another message, or not yet, to a task that was to have a worker at ``wanted_at``.

    Its message may only be late. So a second one is sent after ``patience``, and each further one when twice as much
    time has passed: a backlog of hours gets a handful of duplicates. A message that SQS has deleted is not waited for.
    """
    wanted, sent = from_iso(wanted_at), from_iso(task.dispatched_at or _run_began_at(task))
    asked_again = (sent - wanted).total_seconds()
    time = after(sent, max(PATIENCE, asked_again)) if asked_again > 0 else after(wanted, patience)
    time = max(wanted, min(time, after(sent, MESSAGE_SECONDS)))
    if time <= now:
        return Dispatch(after(now, PATIENCE))
    return Leave(time if wanted > now else min(time, after(now, PATIENCE)))


def _changed_at(task: TaskEntity) -> str:
    return str(task.history[-1]["at"])


def _run_began_at(task: TaskEntity) -> str:
    return str(next(entry["at"] for entry in reversed(task.history) if entry["status"] == TaskStatus.CREATED))
