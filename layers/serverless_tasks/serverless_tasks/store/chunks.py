"""A chunk with what may be in the bucket: its claim, its lines of outcomes, its large results, and its count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from serverless_tasks.adapters.payloads import JSON_LINES, PayloadStore, join_lines, payload_key
from serverless_tasks.adapters.table import TaskTable
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.inputs.json_text import INLINE_LIMIT
from serverless_tasks.core.task.entity import TaskEntity


class NotClaimed(Exception):
    """Another worker has the chunk, or nothing of it is left to run. ``seen`` is the chunk as it was found."""

    def __init__(self, seen: Chunk) -> None:
        super().__init__(f"chunk {seen.number}")
        self.seen = seen


def claim_chunk(
    table: TaskTable,
    task: TaskEntity,
    number: int,
    now: datetime,
    lease_until: datetime,
    holder: str | None = None,
    *,
    lost: bool = False,
) -> Chunk:
    """The chunk, ours until ``lease_until``, be it of this run or as an earlier one left it.

    ``holder`` is whom the lease names; ``lost`` says that a worker with a lease of that name is dead.

    Raises :class:`NotClaimed`, and :class:`LostRace` when there is no such chunk.
    """
    if lost and holder:
        try:
            return Chunk.from_item(table.update(chunks.claim_lost(task, number, now, lease_until, holder)))
        except LostRace:
            pass  # it died before its claim or after its last write, or another worker holds the chunk
    try:
        return Chunk.from_item(table.update(chunks.claim(task, number, now, lease_until, holder)))
    except LostRace as lost:
        if lost.item is None:
            raise
        seen = Chunk.from_item(lost.item)
    if seen.run >= task.run or seen.done_in(task.run):
        raise NotClaimed(seen)
    try:
        return Chunk.from_item(table.update(chunks.take_over(seen, task.run, now, lease_until, holder)))
    except LostRace:
        raise NotClaimed(seen) from None


def load_lines(payloads: PayloadStore, chunk: Chunk) -> Iterator[str]:
    """The chunk's lines of outcomes, one per sub-task."""
    if chunk.outcomes_ref is not None:
        return payloads.lines(chunk.outcomes_ref)
    if chunk.outcomes is not None:
        return iter(chunk.outcomes.split("\n")[:-1])
    from serverless_tasks.core.fan_out.outcomes import NOTHING  # not at the start: a plan needs none

    return iter([NOTHING] * chunk.range.count)


def store_lines(
    payloads: PayloadStore, task: TaskEntity, chunk: Chunk, lines: Sequence[str], number: int = 0
) -> dict[str, Any]:
    """``{"outcomes": text}`` up to 4 KB, else ``{"outcomesRef": reference}``.

    ``number`` is that of the write within its claim. So no object is ever written again: a reader of the item finds the
    object that it refers to, and a worker that dies in between has harmed nothing.
    """
    text = join_lines(lines)
    if len(text) <= INLINE_LIMIT:
        return {"outcomes": text.decode()}
    what = f"outcomes/{chunk.sk}-{chunk.attempt}-{number}.jsonl"
    return {"outcomesRef": payloads.put(payload_key(task.tenant_code, task.code, what), text, JSON_LINES)}


def store_result(
    payloads: PayloadStore, task: TaskEntity, chunk: Chunk, index: int, attempt: int, text: str
) -> dict[str, Any]:
    """Store the result of one sub-task; returns its reference. The object is that of this claim and attempt alone."""
    name = f"results/{index}-{chunk.attempt}-{attempt}.json"
    return payloads.put(payload_key(task.tenant_code, task.code, name), text)


def count_chunk(table: TaskTable, task: TaskEntity, chunk: Chunk, now: datetime) -> bool:
    """Add a finished chunk to its task's counters; False when it is in them or the task has ended."""
    try:
        table.update_task(chunks.progress(task, chunk, now), task)
    except LostRace:
        return False
    return True
