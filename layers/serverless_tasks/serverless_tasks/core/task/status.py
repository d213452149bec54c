"""Kinds of task, statuses, and the facts of each status (docs/concepts.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, assert_never


class TaskKind(StrEnum):
    """The kind of a parent; also the first part of its ``pk``."""

    TASK = "TASK"
    """One handler call, driven by the queue."""
    SFN_TASK = "SFN_TASK"
    """A list whose elements are sub-tasks, driven by the state machine."""


class TaskStatus(StrEnum):
    """Where a task, or a sub-task, is in its life."""

    CREATED = "CREATED"
    """Saved, not dispatched yet."""
    QUEUED = "QUEUED"
    """Its message is on the queue."""
    STARTED = "STARTED"
    """Its state machine execution has started."""
    PROCESSING = "PROCESSING"
    """A worker holds the lease, or its chunks are running."""
    ERRORED = "ERRORED"
    """An attempt failed and another one is due."""
    FINISHED = "FINISHED"
    """Every sub-task has ended and the fan-in is running."""
    COMPLETED = "COMPLETED"
    """Done."""
    FAILED = "FAILED"
    """Ended without success."""
    CANCELLED = "CANCELLED"
    """Stopped by its owner."""

    @property
    def terminal(self) -> bool:
        """Whether the task has ended. An explicit retry leads out of FAILED and CANCELLED; nothing out of COMPLETED."""
        return FACTS[self].terminal


_S = TaskStatus
_ANY = frozenset(TaskKind)
_ENDS = (_S.FAILED, _S.CANCELLED)


class Facts(NamedTuple):
    """Everything that the code decides by a status alone."""

    leads_to: tuple[TaskStatus, ...]
    """The statuses that may follow."""
    kinds: frozenset[TaskKind] = _ANY
    """Kinds of task that may have it."""
    terminal: bool = False
    """The task has ended."""
    outcome: bool = False
    """Work ends with it: a worker writes it, metrics time it, a sub-task may have it as its outcome."""
    relayed: bool = False
    """The relay acts on it, published or not: it dispatches, stops or alarms. The stream's filter names the same."""
    metric: str | None = None
    """Name of the metric that counts the transitions to it."""
    counted_by_relay: bool = False
    """The relay counts it, for the API and user code make it alike. Every other one is counted by its writer."""
    alarms: bool = False
    """The alarm topic is notified of it."""


def facts(status: TaskStatus) -> Facts:
    """The facts of a status: the one table that a new status needs."""
    single, fan_out = frozenset({TaskKind.TASK}), frozenset({TaskKind.SFN_TASK})
    match status:
        case TaskStatus.CREATED:
            to = (_S.QUEUED, _S.STARTED, _S.PROCESSING, *_ENDS)
            return Facts(to, relayed=True, metric="Created", counted_by_relay=True)
        case TaskStatus.QUEUED:
            return Facts((_S.PROCESSING, *_ENDS), single)
        case TaskStatus.STARTED:
            return Facts((_S.PROCESSING, *_ENDS), fan_out)
        case TaskStatus.PROCESSING:
            # To itself: the lease ran out, and another worker takes over with the next attempt.
            return Facts((_S.PROCESSING, _S.ERRORED, _S.QUEUED, _S.FINISHED, _S.COMPLETED, *_ENDS))
        case TaskStatus.ERRORED:
            return Facts((_S.PROCESSING, *_ENDS), single, metric="Retried")
        case TaskStatus.FINISHED:
            return Facts((_S.COMPLETED, *_ENDS), fan_out)
        case TaskStatus.COMPLETED:
            return Facts((), terminal=True, outcome=True, metric="Completed")
        # An explicit retry leads out of the other ends, and begins a new run.
        case TaskStatus.FAILED:
            return Facts((_S.CREATED,), terminal=True, outcome=True, relayed=True, metric="Failed", alarms=True)
        case TaskStatus.CANCELLED:
            return Facts((_S.CREATED,), terminal=True, relayed=True, metric="Cancelled", counted_by_relay=True)
        case _:
            assert_never(status)


FACTS = {status: facts(status) for status in TaskStatus}
TERMINAL = frozenset(status for status in TaskStatus if FACTS[status].terminal)
OPEN = frozenset(TaskStatus) - TERMINAL
OUTCOMES = frozenset(status for status in TaskStatus if FACTS[status].outcome)
RELAYED = frozenset(status for status in TaskStatus if FACTS[status].relayed)


def can_transition(old: TaskStatus, new: TaskStatus) -> bool:
    """Whether a task may go from ``old`` to ``new``."""
    return new in FACTS[old].leads_to
