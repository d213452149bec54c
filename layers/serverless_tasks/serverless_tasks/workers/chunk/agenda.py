"""Which sub-task of a held chunk is next, and whether there is time for it."""

from __future__ import annotations

import heapq

from serverless_tasks.core.times import from_iso
from serverless_tasks.workers.chunk.chunk_outcomes import AT_ONCE, ChunkOutcomes
from serverless_tasks.workers.chunk.held_chunk import HeldChunk
from serverless_tasks.workers.chunk.sub_task_run import Ended, SubTaskRun

IDLE_SECONDS = 30.0
"""A worker that has nothing to run waits at most this long; what is due later is left to a later round."""


class Agenda:
    """What is left to run, as it becomes due and then in input order; what fails comes back when it is due again."""

    def __init__(self, held: HeldChunk, outcomes: ChunkOutcomes) -> None:
        self._held = held
        self._outcomes = outcomes
        self._pending = list(outcomes.open())
        heapq.heapify(self._pending)
        self._ended = 0
        self._longest = 0.0

    def due_in(self) -> float | None:
        """Seconds until the next one is due, negative when it was due before; None when nothing is left to start."""
        if not self._pending:
            return None
        due_at = self._pending[0][0]
        return 0.0 if due_at == AT_ONCE else (from_iso(due_at) - self._held.clock()).total_seconds()

    def wait(self) -> bool:
        """Sleep until the next one is due, if that is soon; returns whether there is one, and time for it."""
        wait = self.due_in()
        if wait is None or wait > min(IDLE_SECONDS, self._held.left()):
            return False
        if wait > 0:
            self._held.sleep(wait)
        return self.has_time()

    def has_time(self) -> bool:
        """Whether what is left of the invocation is enough for the longest one so far."""
        return self._ended == 0 or self._held.left() > self._longest

    def take(self) -> int:
        """The place in the chunk of the next one, which is no longer pending then."""
        return heapq.heappop(self._pending)[1]

    def begin(self, offset: int) -> SubTaskRun:
        """Begin its next attempt."""
        return SubTaskRun(self._held, offset, self._outcomes.attempts(offset) + 1, first=self._ended == 0)

    def end(self, run: SubTaskRun, ended: Ended) -> None:
        """Keep how the attempt ended."""
        self._outcomes.keep(run.offset, ended.line)
        if ended.due_at is not None:
            heapq.heappush(self._pending, (ended.due_at, run.offset))
        self._ended += 1
        self._longest = max(self._longest, (self._held.clock() - run.started).total_seconds())
