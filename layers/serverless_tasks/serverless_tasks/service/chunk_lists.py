"""Lists of a task's chunks, in input order."""

from __future__ import annotations

from typing import Any

from serverless_tasks.adapters.table import TaskTable
from serverless_tasks.core.dynamodb.cursors import decode_cursor, encode_cursor, invalid_cursor
from serverless_tasks.core.fan_out.chunk_summary import ChunkSummary, summary_of
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS, Chunk
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import chunk_sk, chunks_pk
from serverless_tasks.service.task_lists import Page, check_limit

_SHOWN = (
    *("pk", "sk", "number", "first", "count", "run", "attempt", "succeeded", "failed"),
    *("leaseUntil", "startedAt", "finishedAt"),
)
_PROJECTION: dict[str, Any] = {
    "ProjectionExpression": ", ".join(f"#{name}" for name in _SHOWN),
    "ExpressionAttributeNames": {f"#{name}": name for name in _SHOWN},
}


def list_chunks(table: TaskTable, task: TaskEntity, limit: int, cursor: str | None) -> Page[ChunkSummary]:
    """A page of chunks. There are none of a single task, and none before the input is cut.

    Outcomes are not loaded, but DynamoDB reads them, and ends a page at 1 MB of them: one page of ours may take several
    of its. It reads without strong consistency, for half the price: who looks at a task that runs looks again.
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


def _ends(chunk: Chunk, count: int) -> bool:
    """Whether it has the last of the task's sub-tasks. DynamoDB says that there may be more where it met the limit."""
    return chunk.range.first + chunk.range.count >= count


def _position(query: list[Any], cursor: str | None) -> int:
    if cursor is None:
        return 0
    match decode_cursor(query, cursor):
        case [int(number)] if 0 < number < MAX_CHUNKS:
            return number
        case _:
            raise invalid_cursor()
