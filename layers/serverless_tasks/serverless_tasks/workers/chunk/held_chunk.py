"""A chunk that a worker holds, and what the worker has to run its sub-tasks with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core.errors import PayloadMissing
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task_types.task_type import TaskType, policy_of
from serverless_tasks.core.times import Clock
from serverless_tasks.store.inputs import elements
from serverless_tasks.workers.attempt import CLOSING_SECONDS
from serverless_tasks.workers.chunk.failure_log import FailureLog
from serverless_tasks.workers.chunk.line_room import LineRoom
from serverless_tasks.workers.user_code.routing import HandlerRouter
from serverless_tasks.workers.watch import Watch


class Unread(Exception):
    """The bucket could not be read, and no user code has run: the claim was for nothing."""


@dataclass(frozen=True)
class HeldChunk:
    """One claim of one chunk."""

    cloud: Cloud
    router: HandlerRouter
    task: TaskEntity
    chunk: Chunk
    clock: Clock
    rand: Callable[[], float]
    sleep: Callable[[float], None]
    remaining: Callable[[], float]
    """Seconds that the invocation may still run."""
    watch: Watch
    room: LineRoom = field(default_factory=LineRoom)
    """What there is for results in the lines of outcomes."""

    @cached_property
    def policy(self) -> TaskType:
        """That of the task's type."""
        return policy_of(self.task.type)

    @cached_property
    def elements(self) -> Sequence[Any]:
        """The chunk's part of the input. Raises ``PayloadMissing`` when the bucket lost it."""
        return elements(self.cloud.payloads, self.task, self.chunk.range)

    def load_elements(self) -> None:
        """Load :attr:`elements` now, on nobody's account: later, it would take a sub-task's time and its attempt.

        Raises :class:`Unread` when the bucket does not give them this time.
        """
        try:
            with suppress(PayloadMissing):  # each sub-task will fail with it
                _ = self.elements
        except Exception as error:
            raise Unread from error

    @cached_property
    def failures(self) -> FailureLog:
        """Where failures of its sub-tasks are logged, as many as are worth it."""
        return FailureLog()

    def left(self) -> float:
        """Seconds of the invocation that user code may still have."""
        return self.remaining() - CLOSING_SECONDS
