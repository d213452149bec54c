"""The chunks of a Step Functions task, in input order: pages of them, and links to the outcomes that they hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from serverless_tasks.adapters.cloud import POOL_SIZE, UNREAD, Cloud
from serverless_tasks.adapters.payloads import JSON_LINES, LINK_SECONDS, PayloadStore, payload_key
from serverless_tasks.adapters.table import TaskTable
from serverless_tasks.core.errors import TaskNotFound, TaskOpen
from serverless_tasks.core.fan_out.chunk_summary import ChunkSummary, summary_of
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS, Chunk
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import chunk_sk, chunks_pk
from serverless_tasks.core.task.status import TaskKind
from serverless_tasks.core.times import Clock, after, to_iso
from serverless_tasks.service.pages import Page, check_limit, decode_cursor, encode_cursor, invalid_cursor

_SHOWN = (
    *("pk", "sk", "number", "first", "count", "run", "attempt", "succeeded", "failed"),
    *("leaseUntil", "startedAt", "finishedAt"),
)
_PROJECTION: dict[str, Any] = {
    "ProjectionExpression": ", ".join(f"#{name}" for name in _SHOWN),
    "ExpressionAttributeNames": {f"#{name}": name for name in _SHOWN},
}

JOINED = "joined"
"""Of chunks with their outcomes in their items: consecutive ones come into one object."""


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


def list_chunks(table: TaskTable, task: TaskEntity, limit: int, cursor: str | None) -> Page[ChunkSummary]:
    """A page of chunks. There are none of a single task, and none before the input is cut.

    Outcomes are not loaded, but DynamoDB reads them and ends a page at 1 MB of them: one of our pages may take several
    of its. It reads without strong consistency, for half the price: a client that watches a task asks again.
    """
    check_limit(limit, MAX_CHUNKS)
    query = ["chunks", task.tenant_code, task.id]
    number = _position(query, cursor)
    found: list[Chunk] = []
    count = task.attributes.get("subTaskCount", 0)
    while count and len(found) < limit:
        values = {":p": chunks_pk(task.tenant_code, task.code), ":sk": chunk_sk(number)}
        items, last = table.page("pk = :p AND sk >= :sk", values, Limit=limit - len(found), **_PROJECTION)
        found += map(Chunk.from_item, items)
        if last is None or not items or _ends(found[-1], count):
            return Page([summary_of(task, chunk) for chunk in found], None)
        number = found[-1].number + 1
    return Page([summary_of(task, chunk) for chunk in found], encode_cursor(query, [number]) if found else None)


def result_links(cloud: Cloud, clock: Clock, task: TaskEntity) -> ResultLinks:
    """Links to the outcomes. Raises :class:`TaskOpen`, and :class:`TaskNotFound` for a single task.

    The first call writes outcomes in items (at most 1,000 of 4 KB) to the bucket, consecutive ones in one object: 500
    at most, as every second chunk may have an object of its own. Later calls find them. Chunks that never began have
    no outcomes and are left out; if all are, the one object is empty.
    """
    if task.kind is TaskKind.TASK:
        raise TaskNotFound("a single task has no sub-tasks; its result is in the task itself")
    if not task.status.terminal:
        raise TaskOpen(f"the task is {task.status}; ask again when it has ended, or list its sub-tasks meanwhile")
    ranges = list(_ranges(cloud.table.chunks(task.tenant_code, task.code))) or [[]]
    joined = {number: _text(found) for number, found in enumerate(ranges) if not _stored(found)}
    keys = {number: _key(task, f"{_digest(text)}.jsonl") for number, text in joined.items()}
    _write_once(cloud.payloads, task, {key: joined[number] for number, key in keys.items()})
    expires_at = to_iso(after(clock(), LINK_SECONDS))
    return ResultLinks([_link(cloud.payloads, found, keys.get(n)) for n, found in enumerate(ranges)], expires_at)


def _ends(chunk: Chunk, count: int) -> bool:
    """Whether it has the last of the task's sub-tasks: where DynamoDB met the limit, it says that there may be more."""
    return chunk.range.first + chunk.range.count >= count


def _position(query: list[Any], cursor: str | None) -> int:
    if cursor is None:
        return 0
    match decode_cursor(query, cursor):
        case [int(number)] if 0 < number < MAX_CHUNKS:
            return number
        case _:
            raise invalid_cursor()


def _ranges(found: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """The chunks of each object, in order."""
    for held, chunks in groupby(found, _object):
        if held is not None:
            yield list(chunks)


def _object(chunk: Chunk) -> int | str | None:
    if chunk.outcomes_ref is not None:
        return chunk.number  # an object of its own
    return JOINED if chunk.outcomes is not None else None


def _stored(found: Sequence[Chunk]) -> bool:
    """Whether the outcomes are in an object already."""
    return bool(found) and found[0].outcomes_ref is not None


def _text(found: Sequence[Chunk]) -> str:
    return "".join(chunk.outcomes or "" for chunk in found)


def _write_once(payloads: PayloadStore, task: TaskEntity, texts: Mapping[str, str]) -> None:
    """Write the objects, unless an earlier call has: a reader who asks again and again writes nothing more.

    A key is made of its object's content. So a worker that comes late, after a cancel, changes no object that a link
    leads to. Of several objects, a list of their keys is written last: where it is, they are.
    """
    if not texts:
        return
    listed = json.dumps(list(texts))
    mark = next(iter(texts)) if len(texts) == 1 else _key(task, f"{_digest(listed)}.json")
    if _is_there(payloads, mark):
        return
    with ThreadPoolExecutor(POOL_SIZE) as pool:
        list(pool.map(lambda key: payloads.put(key, texts[key], JSON_LINES), texts))
    if mark not in texts:
        payloads.put(mark, listed)


def _is_there(payloads: PayloadStore, key: str) -> bool:
    """Whether the object is known to be there. Where S3 does not say so, it is written again, as it was."""
    try:
        return payloads.find(key) is not None
    except UNREAD:
        return False


def _key(task: TaskEntity, name: str) -> str:
    return payload_key(task.tenant_code, task.code, f"results/{name}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _link(payloads: PayloadStore, found: Sequence[Chunk], written: str | None) -> ResultLink:
    """The link to the object with these outcomes: ``written``, or that of their only chunk."""
    reference = {"key": written} if written else found[0].outcomes_ref or {}
    first = found[0].range.first if found else 0
    return ResultLink(payloads.link(reference), first, sum(chunk.range.count for chunk in found))
