"""Claims a chunk, and counts a finished one: writes that more than one kind of caller makes."""

from __future__ import annotations

from datetime import datetime

from serverless_tasks.adapters.table import TaskTable
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task.entity import TaskEntity


class NotClaimed(Exception):
    """Somebody else has the chunk, or nothing of it is left. ``seen`` is the chunk as it was found."""

    def __init__(self, seen: Chunk) -> None:
        super().__init__(f"chunk {seen.number}")
        self.seen = seen


def claim_chunk(table: TaskTable, task: TaskEntity, number: int, now: datetime, lease_until: datetime) -> Chunk:
    """The chunk, ours until ``lease_until``, be it of this run or as an earlier one left it.

    Raises :class:`NotClaimed`, and :class:`LostRace` when there is no such chunk.
    """
    try:
        return Chunk.from_item(table.update(chunks.claim(task, number, now, lease_until)))
    except LostRace as lost:
        if lost.item is None:
            raise
        seen = Chunk.from_item(lost.item)
    if seen.run >= task.run or seen.done_in(task.run):
        raise NotClaimed(seen)
    try:
        return Chunk.from_item(table.update(chunks.take_over(seen, task.run, now, lease_until)))
    except LostRace:
        raise NotClaimed(seen) from None


def count_chunk(table: TaskTable, task: TaskEntity, chunk: Chunk, now: datetime) -> bool:
    """Add a finished chunk to its task's counters; False when it is in them or the task has ended."""
    try:
        table.update(chunks.progress(task, chunk, now))
    except LostRace:
        return False
    return True
