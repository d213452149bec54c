"""The chunk worker: claims one chunk, runs the sub-tasks that are due, writes their outcomes.

    claim ─┬─ sub-tasks ──┬── flush now and then ──┬──> release, done      count it on the parent
           │              └────────────────────────┴──> release, due later a later round
           └─ input or outcomes unread ───────────────> give back          a later round

A worker that dies leaves a lease; when it is over a later round claims the chunk again and runs it carefully: the index
about to run is written first, so that a sub-task that kills its worker is charged for it alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import key_keys, logger, task_keys
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import Clock, after
from serverless_tasks.core.usage.amounts import CHILD
from serverless_tasks.store.chunk_writes import NotClaimed, claim_chunk, count_chunk
from serverless_tasks.workers.attempt import LEASE_MARGIN
from serverless_tasks.workers.chunk.chunk_run import run_chunk
from serverless_tasks.workers.chunk.held_chunk import HeldChunk, Unread
from serverless_tasks.workers.user_code.routing import HandlerRouter
from serverless_tasks.workers.watch import Watch


class ChunkWorker:
    """Runs chunks of sub-tasks."""

    def __init__(
        self,
        cloud: Cloud,
        router: HandlerRouter,
        clock: Clock = utc_now,
        rand: Callable[[], float] = random.random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cloud = cloud
        self._router = router
        self._clock = clock
        self._random = rand
        self._sleep = sleep

    def handle(self, call: Mapping[str, Any], remaining: Callable[[], float]) -> None:
        """Work on the chunk of a call ``{"pk", "sk", "run", "chunk"}``. Called twice or late, it does nothing twice."""
        key, run = TaskKey(call["pk"], call["sk"]), call["run"]
        self._cloud.meter.note(CHILD, key.code)
        if (task := self._parent(key, run)) is None:
            return logger.info("the task has ended or is in another run", extra={**key_keys(key), "run": run})
        if (chunk := self._claim(task, call["chunk"], remaining())) is None:
            return None
        held = HeldChunk(
            self._cloud,
            self._router,
            task,
            chunk,
            clock=self._clock,
            rand=self._random,
            sleep=self._sleep,
            remaining=remaining,
            watch=Watch(lambda: self._parent(key, run) is not None, self._clock),
        )
        try:
            with logger.append_context_keys(**_chunk_keys(task, chunk)):  # on the handlers' own lines, too
                chunk = run_chunk(held)
        except LostRace:
            return logger.warning("lost the lease of a chunk, its outcomes are dropped", extra=_chunk_keys(task, chunk))
        except Unread:
            return self._give_back(task, chunk)
        logger.info("chunk released", extra=_chunk_keys(task, chunk))
        if chunk.done_in(run):
            count_chunk(self._cloud.table, task, chunk, self._clock())
        return None

    def _give_back(self, task: TaskEntity, chunk: Chunk) -> None:
        """Not to wait for the end of a lease, and not to be run as if a worker had died."""
        logger.exception("the bucket could not be read, the chunk is given back", extra=_chunk_keys(task, chunk))
        try:
            self._cloud.table.update(chunks.give_back(chunk, self._clock()))
        except LostRace:
            logger.warning("lost the lease of a chunk", extra=_chunk_keys(task, chunk))

    def _parent(self, key: TaskKey, run: int) -> TaskEntity | None:
        task = self._cloud.table.get(key)
        wanted = task is not None and task.status is TaskStatus.PROCESSING and task.run == run
        return task if wanted else None

    def _claim(self, task: TaskEntity, number: int, remaining: float) -> Chunk | None:
        now = self._clock()
        try:
            return claim_chunk(self._cloud.table, task, number, now, after(now, remaining + LEASE_MARGIN))
        except NotClaimed as refused:
            seen = refused.seen
        if seen.done_in(task.run):
            # Its worker may have died before it counted the chunk; counting is idempotent.
            count_chunk(self._cloud.table, task, seen, self._clock())
        else:
            logger.info("the chunk is held by another worker", extra=_chunk_keys(task, seen))
        return None


def _chunk_keys(task: TaskEntity, chunk: Chunk) -> dict[str, Any]:
    return {
        **task_keys(task),
        "attempt": chunk.attempt,
        "chunk": chunk.number,
        "succeeded": chunk.succeeded,
        "failed": chunk.failed,
    }
