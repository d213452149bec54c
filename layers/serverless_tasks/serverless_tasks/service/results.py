"""Links to the outcomes of an ended Step Functions task, all of them, in input order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from serverless_tasks.adapters.cloud import POOL_SIZE, Cloud
from serverless_tasks.adapters.payloads import JSON_LINES, LINK_SECONDS, PayloadStore, payload_key
from serverless_tasks.core.errors import TaskNotFound, TaskOpen
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.fan_out.outcomes import Reference
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskKind
from serverless_tasks.core.times import Clock, after, to_iso

JOINED = "joined"
"""What chunks have in common whose outcomes are in their items: consecutive ones come into one object."""


@dataclass(frozen=True, slots=True)
class ResultLink:
    """A link to one object: a line of JSON for each of ``count`` sub-tasks, from index ``first`` on."""

    url: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class ResultLinks:
    """Links in input order, at least one, and until when they work (ISO 8601)."""

    items: Sequence[ResultLink]
    expires_at: str


def result_links(cloud: Cloud, clock: Clock, task: TaskEntity) -> ResultLinks:
    """Links to what is known of every sub-task. Raises :class:`TaskOpen`, and :class:`TaskNotFound` for a single task.

    What is in items (at most 1,000 of 4 KB) is written to the bucket first, in as few objects as there are ranges of
    it. Chunks that nobody began have nothing to say and are left out; where that is all, the one object is empty.
    """
    if task.kind is TaskKind.TASK:
        raise TaskNotFound("a single task has no sub-tasks; its result is in the task itself")
    if not task.status.terminal:
        raise TaskOpen(f"the task is {task.status}; ask again when it has ended, or list its sub-tasks meanwhile")
    ranges = list(_ranges(cloud.table.chunks(task.tenant_code, task.code))) or [[]]
    with ThreadPoolExecutor(POOL_SIZE) as pool:  # in the worst case every other chunk is an object to write
        references = list(pool.map(lambda found: _reference(cloud.payloads, task, found), ranges))
    expires_at = to_iso(after(clock(), LINK_SECONDS))
    links = [_link(cloud.payloads, found, reference) for found, reference in zip(ranges, references, strict=True)]
    return ResultLinks(links, expires_at)


def _ranges(found: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """The chunks of each object, in order."""
    for place, chunks in groupby(found, _place):
        if place is not None:
            yield list(chunks)


def _place(chunk: Chunk) -> int | str | None:
    if chunk.outcomes_ref is not None:
        return chunk.number  # an object of its own
    return JOINED if chunk.outcomes is not None else None


def _reference(payloads: PayloadStore, task: TaskEntity, found: Sequence[Chunk]) -> Reference:
    """Where the outcomes are; those of items are written there.

    The key is made of the content: asked again, the same object is written. And a worker that comes late, after a
    cancel, changes no object that somebody has a link to.
    """
    if found and found[0].outcomes_ref is not None:
        return found[0].outcomes_ref
    text = "".join(chunk.outcomes or "" for chunk in found)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return payloads.put(payload_key(task.tenant_code, task.code, f"results/{digest}.jsonl"), text, JSON_LINES)


def _link(payloads: PayloadStore, found: Sequence[Chunk], reference: Reference) -> ResultLink:
    first = found[0].range.first if found else 0
    return ResultLink(payloads.link(reference), first, sum(chunk.range.count for chunk in found))
