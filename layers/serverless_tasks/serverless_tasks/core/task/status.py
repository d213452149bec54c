"""Statuses and the transitions between them (design, section 5)."""

from __future__ import annotations

from enum import StrEnum


class TaskKind(StrEnum):
    """What a parent is; also the first part of its ``pk``."""

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
        return self in TERMINAL


_S = TaskStatus

TERMINAL = frozenset({_S.COMPLETED, _S.FAILED, _S.CANCELLED})
OPEN = frozenset(_S) - TERMINAL
RELAYED = TERMINAL | {_S.CREATED}
"""What the relay acts on: a task to send on its way, and an end to tell. The stream's filter names the same."""

_ENDINGS = {_S.FAILED, _S.CANCELLED}

ALLOWED: dict[TaskStatus, frozenset[TaskStatus]] = {
    _S.CREATED: frozenset({_S.QUEUED, _S.STARTED, _S.PROCESSING} | _ENDINGS),
    _S.QUEUED: frozenset({_S.PROCESSING} | _ENDINGS),
    _S.STARTED: frozenset({_S.PROCESSING} | _ENDINGS),
    # To itself: the lease ran out and another worker takes over, with the next attempt.
    _S.PROCESSING: frozenset({_S.PROCESSING, _S.ERRORED, _S.QUEUED, _S.FINISHED, _S.COMPLETED} | _ENDINGS),
    _S.ERRORED: frozenset({_S.PROCESSING} | _ENDINGS),
    _S.FINISHED: frozenset({_S.COMPLETED} | _ENDINGS),
    _S.COMPLETED: frozenset(),
    # An explicit retry, which begins a new run.
    _S.FAILED: frozenset({_S.CREATED}),
    _S.CANCELLED: frozenset({_S.CREATED}),
}


def can_transition(old: TaskStatus, new: TaskStatus) -> bool:
    """Whether a task may go from ``old`` to ``new``."""
    return new in ALLOWED[old]
