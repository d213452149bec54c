"""One worker's time with one claimed chunk."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from serverless_tasks.adapters.chunk_data import load_lines, store_lines
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.inputs import elements
from serverless_tasks.adapters.payloads import payload_key
from serverless_tasks.core import chunks, outcomes
from serverless_tasks.core.chunks import Chunk
from serverless_tasks.core.context import TaskContext
from serverless_tasks.core.dispatch import Dispatcher
from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.errors import AttemptTimeout, PayloadMissing, PermanentError, WorkerLost
from serverless_tasks.core.failures import describe
from serverless_tasks.core.json_text import result_text, size
from serverless_tasks.core.task_type import policy_of
from serverless_tasks.core.times import Clock, after, from_iso, to_iso
from serverless_tasks.workers.attempt import CLOSING_SECONDS
from serverless_tasks.workers.deadline import DeadlineReached, deadline
from serverless_tasks.workers.log import logger, task_keys
from serverless_tasks.workers.sub_task_call import run_sub_task
from serverless_tasks.workers.watch import Watch

FLUSH_SECONDS = 5.0
"""Outcomes are written while the chunk runs when this much has passed since the last time …"""
FLUSH_SHARE = 0.1
"""… and this share of the time so far: so a long chunk is written ever more seldom, in total about a hundred times."""
IDLE_SECONDS = 30.0
"""A worker sleeps at most this long for a retry that becomes due; a longer wait is left to a later round."""
RESULT_LIMIT = 262_144
"""Bytes of a result above which it is an object of its own, which a link can lead to."""
MAX_SILENT_DEATHS = 5
"""Claims in a row whose workers died without a sign of which sub-task killed them."""
AT_ONCE = ""
"""When a sub-task without an outcome is due: text, as are the times of those that wait, and before all of them."""


class CutShort(Exception):
    """Others had used up the invocation before the sub-task's own time was up: it is not charged for that."""


@dataclass(slots=True)
class _Seen:
    """What this invocation has seen so far."""

    ran: int = 0
    longest: float = 0.0
    flushed_at: datetime | None = None
    writes: int = 0


class ChunkRun:
    """Runs what is due, in input order, retries what becomes due in time, and writes the outcomes."""

    def __init__(
        self,
        cloud: Cloud,
        dispatcher: Dispatcher,
        task: TaskEntity,
        chunk: Chunk,
        *,
        remaining: Callable[[], float],
        clock: Clock,
        rand: Callable[[], float],
        sleep: Callable[[float], None],
        still_wanted: Callable[[], bool],
    ) -> None:
        self._cloud = cloud
        self._dispatcher = dispatcher
        self._task = task
        self._chunk = chunk
        self._remaining = remaining
        self._clock = clock
        self._random = rand
        self._sleep = sleep
        self._watch = Watch(still_wanted, clock)
        self._policy = policy_of(task.type)
        self._lines = self._load_lines()
        self._pending: list[tuple[str, int]] = []
        self._started_at = clock()
        self._seen = _Seen(flushed_at=self._started_at)
        self._careful = chunk.claims > 1

    def run(self) -> Chunk:
        """Returns the released chunk. Raises :class:`LostRace` when the chunk was taken over."""
        if self._careful:
            self._charge_the_dead()
        self._pending = self._find_pending()
        while self._pending and self._next_is_worth_it():
            due, offset = heapq.heappop(self._pending)
            try:
                self._run_one(offset)
            except CutShort:
                heapq.heappush(self._pending, (due, offset))
                break
            if self._flush_is_due() and not self._flush():
                break
        return self._release()

    def _load_lines(self) -> list[str]:
        try:
            return list(load_lines(self._cloud.payloads, self._chunk))
        except PayloadMissing:  # what is lost is run again, as after a crash
            logger.exception("outcomes are lost", extra={**task_keys(self._task), "chunk": self._chunk.number})
            return [outcomes.NOTHING] * self._chunk.range.count

    def _find_pending(self) -> list[tuple[str, int]]:
        entries = [outcomes.parse_line(line, self._task.run) for line in self._lines]
        left = ((offset, entry) for offset, entry in enumerate(entries) if entry is None or not entry.ended)
        pending = [((entry and entry.due_at) or AT_ONCE, offset) for offset, entry in left]
        heapq.heapify(pending)
        return pending

    def _next_is_worth_it(self) -> bool:
        """Sleep until the next one is due, if that is soon; then say whether there is time for another."""
        due_at = self._pending[0][0]
        wait = 0.0 if due_at == AT_ONCE else (from_iso(due_at) - self._clock()).total_seconds()
        if wait > min(IDLE_SECONDS, self._left()):
            return False
        if wait > 0:
            self._sleep(wait)
        return self._seen.ran == 0 or self._left() > self._seen.longest

    def _left(self) -> float:
        return self._remaining() - CLOSING_SECONDS

    def _run_one(self, offset: int) -> None:
        if self._careful:
            self._cloud.table.update(chunks.mark_in_flight(self._chunk, self._chunk.range.first + offset))
        before = outcomes.parse_line(self._lines[offset], self._task.run)
        attempt = before.attempt + 1 if before else 1
        started = self._clock()
        left = self._left()
        try:
            with deadline(min(left, self._policy.timeout)):
                call, context = self._call(offset, attempt), self._context(offset, attempt)
                text = result_text(run_sub_task(self._dispatcher, self._task, call, context))
            self._lines[offset] = self._completed(offset, attempt, started, text)
        except DeadlineReached:
            if left < self._policy.timeout and self._seen.ran:
                raise CutShort from None
            limit = f"{self._policy.timeout:g} s" if left >= self._policy.timeout else "its invocation"
            error = AttemptTimeout(f"the attempt ran longer than {limit}")
            self._failed(offset, attempt, started, error, permanent=False)
        except PermanentError as error:
            self._failed(offset, attempt, started, error, permanent=True)
        except (Exception, SystemExit) as error:
            keys = {**task_keys(self._task), "index": self._chunk.range.first + offset}
            logger.exception("a sub-task failed", extra=keys)
            self._failed(offset, attempt, started, error, permanent=False)
        self._seen.ran += 1
        self._seen.longest = max(self._seen.longest, (self._clock() - started).total_seconds())

    def _call(self, offset: int, attempt: int) -> dict[str, Any]:
        context = {
            "run": self._task.run,
            "chunk": self._chunk.number,
            "attempt": attempt,
            "executionArn": self._task.execution_arn,
        }
        index = self._chunk.range.first + offset
        return {"taskEntity": self._task, "index": index, "input": self._elements[offset], "context": context}

    @cached_property
    def _elements(self) -> Sequence[Any]:
        return elements(self._cloud.payloads, self._task, self._chunk.range)

    def _context(self, offset: int, attempt: int) -> TaskContext:
        ends_at = after(self._clock(), min(self._left(), self._policy.timeout))
        return TaskContext(
            attempt=attempt,
            run=self._task.run,
            idempotency_key=str(self._task.key.sub_task(self._chunk.range.first + offset)),
            remaining_time=lambda: (ends_at - self._clock()).total_seconds(),
            is_cancelled=self._watch.is_gone,
        )

    def _completed(self, offset: int, attempt: int, started: datetime, text: str) -> str:
        index = self._chunk.range.first + offset
        head = (index, attempt, to_iso(started), to_iso(self._clock()))
        if size(text) <= RESULT_LIMIT:
            return outcomes.completed_line(*head, text)
        key = payload_key(
            self._task.tenant_code, self._task.code, f"results/{index}-{self._chunk.attempt}-{attempt}.json"
        )
        return outcomes.referenced_line(*head, self._cloud.payloads.put(key, text))

    def _failed(self, offset: int, attempt: int, started: datetime, error: BaseException, *, permanent: bool) -> None:
        now, run, told = self._clock(), self._task.run, describe(error)
        head = (self._chunk.range.first + offset, attempt, to_iso(started), to_iso(now))
        if permanent or attempt >= self._policy.max_attempts:
            self._lines[offset] = outcomes.failed_line(*head, told, run)
            return
        due_at = to_iso(after(now, self._policy.backoff.delay(attempt, self._random)))
        self._lines[offset] = outcomes.waiting_line(*head, told, run, due_at)
        heapq.heappush(self._pending, (due_at, offset))

    def _charge_the_dead(self) -> None:
        """Charge the sub-task that was in flight when a worker died, or all when it is never known which."""
        entries = [outcomes.parse_line(line, self._task.run) for line in self._lines]
        open_offsets = [offset for offset, entry in enumerate(entries) if entry is None or not entry.ended]
        if self._chunk.in_flight is not None:
            charged = {self._chunk.in_flight - self._chunk.range.first} & set(open_offsets)
        else:
            charged = set(open_offsets) if self._chunk.claims > MAX_SILENT_DEATHS else set()
        for offset in sorted(charged):
            before = entries[offset]
            attempt = before.attempt + 1 if before else 1
            error = WorkerLost("the worker died or was killed while it ran this sub-task")
            self._failed(offset, attempt, self._clock(), error, permanent=self._chunk.in_flight is None)
        if charged:
            self._flush()

    def _flush_is_due(self) -> bool:
        if self._careful:
            return True
        now, flushed_at = self._clock(), self._seen.flushed_at or self._started_at
        so_far, since = now - self._started_at, now - flushed_at
        return since.total_seconds() >= max(FLUSH_SECONDS, FLUSH_SHARE * so_far.total_seconds())

    def _flush(self) -> bool:
        """Write the outcomes so far; returns whether the task still wants more of them."""
        completed, failed, _ = outcomes.tally(self._lines, self._task.run)
        self._cloud.table.update(chunks.flush(self._chunk, self._stored(), (completed, failed)))
        self._seen.flushed_at = self._clock()
        return not self._watch.is_gone()

    def _release(self) -> Chunk:
        completed, failed, due_at = outcomes.tally(self._lines, self._task.run)
        update = chunks.release(self._chunk, self._stored(), (completed, failed), self._clock(), due_at)
        return Chunk.from_item(self._cloud.table.update(update))

    def _stored(self) -> dict[str, Any]:
        self._seen.writes += 1
        return store_lines(self._cloud.payloads, self._task, self._chunk, self._lines, self._seen.writes)
