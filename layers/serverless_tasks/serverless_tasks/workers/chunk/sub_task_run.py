"""One attempt of one sub-task, from its element of the input to its outcome. Nothing here writes to the table."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.errors import AttemptTimeout, PermanentError, WorkerLost
from serverless_tasks.core.fan_out import outcomes
from serverless_tasks.core.inputs.json_text import result_text, size
from serverless_tasks.core.task_types.context import TaskContext
from serverless_tasks.core.task_types.failures import describe
from serverless_tasks.core.times import after, to_iso
from serverless_tasks.store.chunk_data import store_result
from serverless_tasks.workers.chunk.held_chunk import HeldChunk
from serverless_tasks.workers.user_code.deadline import DeadlineReached, Unwinding, deadline
from serverless_tasks.workers.user_code.handlers import Pairs, call
from serverless_tasks.workers.user_code.routing import no_handler
from serverless_tasks.workers.user_code.typed_inputs import resolve

LATE_SECONDS = 1.0
"""One that begins so much later than it was made was held up by others."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended: the line that says it, and when the next attempt is due, if one is."""

    line: str
    due_at: str | None = None


class SubTaskRun:
    """One attempt; its time begins when this is made, and anew with :meth:`begin`.

    ``seconds`` is what it has: its type's ``timeout``, or less near the end of the invocation. ``first`` says that
    nothing has ended in this invocation before it began, so that nothing but itself can have used the time up.
    """

    __slots__ = ("_first", "_held", "_left", "_pairs", "attempt", "offset", "seconds", "started")

    def __init__(self, held: HeldChunk, offset: int, attempt: int, *, first: bool) -> None:
        self._held = held
        self._first = first
        self._left = held.left()
        self._pairs: Pairs | None = None
        self.offset = offset
        self.attempt = attempt
        self.begin()

    def begin(self) -> None:
        """Begin its time now, after a wait for others: what they used up meanwhile is not charged to it."""
        left = self._held.left()
        self._first = self._first and self._left - left < LATE_SECONDS
        self._left = left
        self.started: datetime = self._held.clock()
        self.seconds = min(left, self._held.policy.timeout)

    def run(self) -> Ended | None:
        """Run the handlers. None when it was cut short, which it is not charged for.

        Then others had used the time up, or the bucket did not take its result, and it will be run again.

        In another thread than the main one it is not interrupted: whoever waits for it has to call :meth:`timed_out`.
        """
        try:
            with deadline(self.seconds):
                text = result_text(call(self.handlers(), self.context()))
        except DeadlineReached:
            return self.timed_out()
        except Unwinding:
            raise
        except BaseException as error:  # whatever user code raises ends its attempt, not its worker
            return self.failed(error)
        return self.in_line(text) or self.stored(text)

    def handlers(self) -> Pairs:
        """Its handlers with their events. Raises what :func:`resolve` and a fork's factories raise."""
        if self._pairs is None:
            router = self._held.router
            events = router.events.transform_step_function(self._call())
            self._pairs = [pair for event in events for pair in resolve(router, event)]
        if not self._pairs:
            raise no_handler(self._held.task.type)
        return self._pairs

    def is_async(self) -> bool:
        """Whether an event loop can run it without a thread. Raises what :meth:`handlers` raises."""
        return all(inspect.iscoroutinefunction(handler) for handler, _ in self.handlers())

    def context(self) -> TaskContext:
        """What its handlers are told."""
        held = self._held
        ends_at = after(held.clock(), min(held.left(), held.policy.timeout))
        return TaskContext(
            attempt=self.attempt,
            run=held.task.run,
            idempotency_key=str(held.task.key.sub_task(self._index)),
            remaining_time=lambda: (ends_at - held.clock()).total_seconds(),
            is_cancelled=held.watch.is_gone,
        )

    def in_line(self, text: str) -> Ended | None:
        """Its handlers returned; ``text`` is the JSON of it. None when that is to be :meth:`stored`."""
        if not self._held.room.take(size(text)):
            return None
        return Ended(outcomes.completed_line(*self._head(), text))

    def stored(self, text: str) -> Ended | None:
        """Store what its handlers returned. None when the bucket does not take it: that is no failure of theirs."""
        held, index = self._held, self._index
        try:
            reference = store_result(held.cloud.payloads, held.task, held.chunk, index, self.attempt, text)
        except Exception:
            logger.exception("a result is not stored", extra={**task_keys(held.task), "index": index})
            return None
        return Ended(outcomes.referenced_line(*self._head(), reference))

    def failed(self, error: BaseException) -> Ended:
        """Its handlers raised this."""
        if isinstance(error, PermanentError):
            return self._charged(error, permanent=True)
        self._held.failures.tell(self._held.task, self._index)
        return self._charged(error, permanent=False)

    def timed_out(self) -> Ended | None:
        """Its time is up. None when others had used it up."""
        timeout = self._held.policy.timeout
        if self._left < timeout and not self._first:
            return None
        limit = f"{timeout:g} s" if self._left >= timeout else "its invocation"
        return self._charged(AttemptTimeout(f"the attempt ran longer than {limit}"), permanent=False)

    def lost(self, *, permanent: bool) -> Ended:
        """A worker before this one died of it."""
        return self._charged(WorkerLost("the worker died or was killed while it ran this sub-task"), permanent)

    def _charged(self, error: BaseException, permanent: bool) -> Ended:
        held, told, head = self._held, describe(error), self._head()
        if permanent or self.attempt >= held.policy.max_attempts:
            return Ended(outcomes.failed_line(*head, told, held.task.run))
        due_at = to_iso(after(held.clock(), held.policy.backoff.delay(self.attempt, held.rand)))
        return Ended(outcomes.waiting_line(*head, told, held.task.run, due_at), due_at)

    def _head(self) -> tuple[int, int, str, str]:
        return self._index, self.attempt, to_iso(self.started), to_iso(self._held.clock())

    @property
    def _index(self) -> int:
        return self._held.chunk.range.first + self.offset

    def _call(self) -> dict[str, Any]:
        task, chunk = self._held.task, self._held.chunk
        context = {
            "run": task.run,
            "chunk": chunk.number,
            "attempt": self.attempt,
            "executionArn": task.execution_arn,
        }
        element = self._held.elements[self.offset]
        return {"taskEntity": task, "index": self._index, "input": element, "context": context}
