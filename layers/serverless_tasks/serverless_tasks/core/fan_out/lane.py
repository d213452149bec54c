"""The fast lane: which lists it takes, and how long a part of it may last (docs/concepts.md).

A lane is an Express execution that runs one round. It costs a fiftieth of a Standard one, and lives for five minutes.
What it leaves is taken up by the Standard execution. So a list that it takes wrongly costs more, and no more than that.
"""

from __future__ import annotations

from serverless_tasks.core.errors import InvalidInput, PayloadInBucket
from serverless_tasks.core.fan_out.cuts import chunk_size
from serverless_tasks.core.task.entity import TaskEntity

MAX_CHUNKS = 40
"""An inline map runs as many iterations at once (Step Functions quotas). The history of a Standard execution has room
for as many, too (``rounds.MAX_ROUNDS``)."""
MAX_WAVES = 4
"""How often the map's concurrency fits into the chunks, at most: each wave has its part of the time."""
CHUNK_SECONDS = 200
"""For the chunks, of the five minutes: the others are for the start of functions, plan, finish and the hand-over."""


def takes(task: TaskEntity, concurrency: int) -> bool:
    """Whether the task says of itself that its list is short. One whose elements are in the bucket says nothing."""
    count = _count(task)
    if count is None:
        return False
    size = task.cut["maxCount"] if task.cut else chunk_size(count, concurrency)
    return -(-count // size) <= most_chunks(concurrency)


def most_chunks(concurrency: int) -> int:
    """Chunks that a lane runs. ``concurrency``: how many may run at the same time."""
    return min(MAX_CHUNKS, MAX_WAVES * concurrency)


def seconds_for_each(chunks: int, concurrency: int) -> int:
    """How long the map waits for each of the chunks, so that all waves fit into its time."""
    return CHUNK_SECONDS // max(1, -(-chunks // concurrency))


def _count(task: TaskEntity) -> int | None:
    known: int | None = task.attributes.get("subTaskCount")  # after the first run
    if known is not None:
        return known
    try:
        elements = task.input
    except (PayloadInBucket, InvalidInput):
        return None
    return len(elements) if isinstance(elements, list) else None
