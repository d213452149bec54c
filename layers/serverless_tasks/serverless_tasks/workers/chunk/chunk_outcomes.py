"""The outcomes of a held chunk: read at the start, written now and then and at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.errors import PayloadMissing, WorkerLost
from serverless_tasks.core.fan_out import chunks, outcomes
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.fan_out.outcomes import Entry
from serverless_tasks.core.inputs.json_text import size
from serverless_tasks.store.chunk_data import load_lines, store_lines
from serverless_tasks.workers.chunk.held_chunk import HeldChunk, Unread

FLUSH_SECONDS = 5.0
"""Outcomes are written while the chunk runs when this much has passed since the last time …"""
FLUSH_SHARE = 0.1
"""… and this share of the time so far: so a long chunk is written ever more seldom, in total about a hundred times."""
EACH_BYTES = 1_048_576
"""A careful worker writes them after each sub-task while results take no more; above, now and then like any other."""
AT_ONCE = ""
"""When a sub-task without an outcome is due: text, as are the times of those that wait, and before all of them."""


class ChunkOutcomes:
    """A line for each sub-task, at its place whenever it ended. Writes raise :class:`LostRace` after a take-over.

    Made, it raises :class:`Unread` when the bucket does not give what is there.
    """

    def __init__(self, held: HeldChunk) -> None:
        self._held = held
        self._lines = self._load()
        held.room.occupy(sum(map(size, self._lines)))
        self._started_at = self._flushed_at = held.clock()
        self._writes = 0

    def open(self) -> Iterator[tuple[str, int]]:
        """What is left to run: when it is due (or :data:`AT_ONCE`), and its place in the chunk."""
        for offset, entry in self._open_entries():
            yield (entry and entry.due_at) or AT_ONCE, offset

    def killed_a_worker(self) -> bool:
        """Whether one that is left to run has been charged with a worker's death, in this claim or an earlier one."""
        errors = (entry.attributes["error"] for _, entry in self._open_entries() if entry)
        return any(error["type"] == WorkerLost.__name__ for error in errors)

    def _open_entries(self) -> Iterator[tuple[int, Entry | None]]:
        for offset, line in enumerate(self._lines):
            entry = outcomes.parse_line(line, self._held.task.run)
            if entry is None or not entry.ended:
                yield offset, entry

    def attempts(self, offset: int) -> int:
        """Attempts so far, in this run."""
        entry = outcomes.parse_line(self._lines[offset], self._held.task.run)
        return entry.attempt if entry else 0

    def keep(self, offset: int, line: str) -> None:
        """Remember an outcome, to be written later."""
        self._lines[offset] = line

    def mark_in_flight(self, offset: int) -> None:
        """Write down, before it runs, which sub-task will have killed this worker if anything does."""
        chunk = self._held.chunk
        self._held.cloud.table.update(chunks.mark_in_flight(chunk, chunk.range.first + offset))

    def flush_is_due(self, *, careful: bool = False) -> bool:
        """Whether it is time to write what there is.

        A careful worker's outcomes are written at once while that is cheap: what is unwritten when it dies runs again.
        """
        if careful and self._held.room.taken <= EACH_BYTES:
            return True
        now = self._held.clock()
        so_far, since = now - self._started_at, now - self._flushed_at
        return since.total_seconds() >= max(FLUSH_SECONDS, FLUSH_SHARE * so_far.total_seconds())

    def flush(self) -> bool:
        """Write the outcomes so far; returns whether the task still wants more of them."""
        completed, failed, _ = outcomes.tally(self._lines, self._held.task.run)
        update = chunks.flush(self._held.chunk, self._stored(), (completed, failed))
        self._held.cloud.table.update(update)
        self._flushed_at = self._held.clock()
        return not self._held.watch.is_gone()

    def release(self) -> Chunk:
        """Write the outcomes and give the chunk back; returns it as it is then."""
        completed, failed, due_at = outcomes.tally(self._lines, self._held.task.run)
        update = chunks.release(self._held.chunk, self._stored(), (completed, failed), self._held.clock(), due_at)
        return Chunk.from_item(self._held.cloud.table.update(update))

    def _load(self) -> list[str]:
        chunk, task = self._held.chunk, self._held.task
        try:
            return list(load_lines(self._held.cloud.payloads, chunk))
        except PayloadMissing:  # what is lost is run again, as after a crash
            logger.exception("outcomes are lost", extra={**task_keys(task), "chunk": chunk.number})
            return [outcomes.NOTHING] * chunk.range.count
        except Exception as error:
            raise Unread from error

    def _stored(self) -> dict[str, Any]:
        self._writes += 1
        return store_lines(self._held.cloud.payloads, self._held.task, self._held.chunk, self._lines, self._writes)
