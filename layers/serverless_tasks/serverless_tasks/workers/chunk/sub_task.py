"""One attempt of one sub-task, from its element of the input to its line of outcome. It writes nothing to the table."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.errors import PayloadMissing, WorkerLost
from serverless_tasks.core.fan_out import outcomes
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.inputs.json_text import size
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task_types.arguments import TaskContext
from serverless_tasks.core.task_types.failures import describe
from serverless_tasks.core.task_types.task_type import TaskType
from serverless_tasks.core.times import Clock, after, to_iso
from serverless_tasks.store.chunks import store_result
from serverless_tasks.workers.user_code.routing import HandlerRouter, Pairs, no_handler
from serverless_tasks.workers.user_code.runner import (
    CLOSING_SECONDS,
    DeadlineReached,
    Raised,
    Returned,
    TimedOut,
    Unwound,
    Watch,
    call,
    run_within,
)

LATE_SECONDS = 1.0
"""A sub-task that begins so much later than it was made was held up by others."""
LOGGED_FAILURES = 5
"""Tracebacks that one worker logs of one chunk. Every failure stands in the outcome of its sub-task."""


@dataclass(slots=True)
class Invocation:
    """The services that one invocation runs its chunk with; several threads may use them."""

    cloud: Cloud
    router: HandlerRouter
    clock: Clock
    rand: Callable[[], float]
    sleep: Callable[[float], None]
    remaining: Callable[[], float]
    """Seconds that the invocation may still run."""
    watch: Watch
    line_bytes: int = 0
    """Bytes of the chunk's lines of outcomes, as far as they bound what results may add."""
    written: Chunk | None = None
    """The chunk as this invocation wrote it last. Before its first write, what is in flight is a dead worker's."""
    _failures: int = 0
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def left(self) -> float:
        """Seconds of the invocation that user code may still have."""
        return self.remaining() - CLOSING_SECONDS

    def take_room(self, size: int) -> bool:
        """Take so many bytes of the lines for a result; returns False where it is to be an object of its own."""
        with self._one_at_a_time:
            if not outcomes.fits_line(size, self.line_bytes):
                return False
            self.line_bytes += size
            return True

    def log_failure(self, error: BaseException, task: TaskEntity, index: int) -> None:
        """Log the first few failures whole, so that no chunk's log grows with its failures."""
        self._failures += 1
        if self._failures > LOGGED_FAILURES:
            return
        last = {"furtherFailures": "in the outcomes only"} if self._failures == LOGGED_FAILURES else {}
        logger.exception("a sub-task failed", exc_info=error, extra={**task_keys(task), "index": index, **last})


@dataclass(frozen=True, slots=True)
class HeldChunk:
    """A claimed chunk, and what its sub-tasks have in common."""

    task: TaskEntity
    chunk: Chunk
    policy: TaskType
    max_attempts: int
    """Of each sub-task, as the task's run began."""
    elements: Sequence[Any] | PayloadMissing = ()
    """The chunk's part of the input, or the failure of each sub-task when the bucket lost it."""


@dataclass(frozen=True, slots=True)
class Line:
    """The line that says how an attempt ended, and when the next one is due, if one is."""

    text: str
    due_at: str | None = None


class SubTask:
    """One attempt; its time begins when this is made, and anew with :meth:`begin`.

    ``seconds`` is its time: its type's ``timeout``, or less near the end of the invocation. ``first``: no other attempt
    has ended in this invocation, so that none but itself can have used the time up.
    """

    __slots__ = (
        "_first",
        "_held",
        "_invocation",
        "_left",
        "_pairs",
        "attempt",
        "offset",
        "seconds",
        "started",
        "thread",
    )

    def __init__(self, invocation: Invocation, held: HeldChunk, offset: int, attempt: int, *, first: bool) -> None:
        self._invocation = invocation
        self._held = held
        self._first = first
        self._left = invocation.left()
        self._pairs: Pairs | None = None
        self.thread: int | None = None
        self.offset = offset
        self.attempt = attempt
        self.begin()

    def begin(self) -> None:
        """Begin its time now, after a wait for others: what they used up meanwhile is not charged to it."""
        left = self._invocation.left()
        self._first = self._first and self._left - left < LATE_SECONDS
        self._left = left
        self.started: datetime = self._invocation.clock()
        self.seconds = min(left, self._held.policy.timeout)

    def run(self) -> Line | None:
        """Run the handlers, and store a large result. None when it is not charged, and runs again later.

        Then others had used its time up, or the bucket did not take its result. Outside the main thread it is not
        interrupted: its caller calls :meth:`timed_out` when its time is up.
        """
        self.thread = threading.get_ident()
        ended = run_within(self.seconds, lambda: call(self.handlers(), self.context()))
        if isinstance(ended, Returned):
            return self.in_line(ended.text) or self.stored(ended.text)
        return self.failed(ended)

    def handlers(self) -> Pairs:
        """Its handlers with their events. Raises what ``HandlerRouter.resolve`` and a fork's factories raise."""
        if self._pairs is None:
            router = self._invocation.router
            self._pairs = [pair for event in router.sub_task_events(self._call()) for pair in router.resolve(event)]
        if not self._pairs:
            raise no_handler(self._held.task.type)
        return self._pairs

    def is_async(self) -> bool:
        """Whether an event loop can run it without a thread. Raises what :meth:`handlers` raises."""
        return all(inspect.iscoroutinefunction(handler) for handler, _ in self.handlers())

    def context(self) -> TaskContext:
        """The context of its handlers."""
        invocation, held = self._invocation, self._held
        ends_at = after(invocation.clock(), min(invocation.left(), held.policy.timeout))
        return TaskContext(
            attempt=self.attempt,
            run=held.task.run,
            idempotency_key=str(held.task.key.sub_task(self._index)),
            remaining_time=lambda: (ends_at - invocation.clock()).total_seconds(),
            is_cancelled=invocation.watch.is_gone,
        )

    def in_line(self, text: str) -> Line | None:
        """The line with its result, which is JSON. None when the result is to be :meth:`stored`."""
        if not self._invocation.take_room(size(text)):
            return None
        return Line(outcomes.completed_line(*self._head(), text))

    def stored(self, text: str) -> Line | None:
        """Store its result. None when the bucket does not take it: that is no failure of its handlers."""
        held, payloads = self._held, self._invocation.cloud.payloads
        try:
            reference = store_result(payloads, held.task, held.chunk, self._index, self.attempt, text)
        except Exception:
            logger.exception("a result is not stored", extra={**task_keys(held.task), "index": self._index})
            return None
        return Line(outcomes.referenced_line(*self._head(), reference))

    def failed(self, ended: Raised | TimedOut | Unwound) -> Line | None:
        """Charge it for its end without a result. None when others had used its time up."""
        match ended:
            case TimedOut(by):
                return self.timed_out(by)
            case Raised(error, permanent):
                if not permanent:
                    self._invocation.log_failure(error, self._held.task, self._index)
                return self._charged(error, permanent)
            case Unwound(by):
                raise by
        assert_never(ended)

    def timed_out(self, by: DeadlineReached) -> Line | None:
        """Its time is up. None when others had used it up."""
        from serverless_tasks.workers.user_code.places import timeout_error

        timeout = self._held.policy.timeout
        if self._left < timeout and not self._first:
            return None
        limit = f"{timeout:g} s" if self._left >= timeout else "its invocation"
        error = timeout_error(f"the attempt ran longer than {limit}", by)
        self._invocation.log_failure(error, self._held.task, self._index)
        return self._charged(error, permanent=False)

    def lost(self, *, permanent: bool) -> Line:
        """A worker before this one died of it."""
        return self._charged(WorkerLost("the worker died or was killed while it ran this sub-task"), permanent)

    def _charged(self, error: BaseException, permanent: bool) -> Line:
        invocation, policy, run = self._invocation, self._held.policy, self._held.task.run
        described, head = describe(error), self._head()
        if permanent or self.attempt >= self._held.max_attempts:
            return Line(outcomes.failed_line(*head, described, run))
        due_at = to_iso(after(invocation.clock(), policy.backoff.delay(self.attempt, invocation.rand)))
        return Line(outcomes.waiting_line(*head, described, run, due_at), due_at)

    def _head(self) -> tuple[int, int, str, str]:
        return self._index, self.attempt, to_iso(self.started), to_iso(self._invocation.clock())

    @property
    def _index(self) -> int:
        return self._held.chunk.range.first + self.offset

    def _call(self) -> dict[str, Any]:
        task, chunk, elements = self._held.task, self._held.chunk, self._held.elements
        if isinstance(elements, PayloadMissing):
            raise elements.with_traceback(None)  # else it grows with each sub-task that raises it
        context = {
            "run": task.run,
            "chunk": chunk.number,
            "attempt": self.attempt,
            "executionArn": task.execution_arn,
        }
        return {"taskEntity": task, "index": self._index, "input": elements[self.offset], "context": context}
