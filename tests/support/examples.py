"""Tasks and chunks to test with: complete ones, of which a test names only what matters to it."""

from datetime import UTC, datetime
from typing import Any

from serverless_tasks.core.fan_out.chunks import Chunk, Range
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey, chunk_sk, chunks_pk, open_attention
from serverless_tasks.core.task.status import TaskKind, TaskStatus

NOW = datetime(2026, 11, 22, 9, 39, 36, 123000, tzinfo=UTC)
AT = "2026-11-22T09:39:36.123Z"
"""NOW, as it stands in the table."""
CODE = "01KDVDNA00MR5EXME5V0BEB57M"
TENANT = "mbc"
CREATED_ENTRY = {"status": "CREATED", "at": "2026-11-22T09:00:00.000Z", "attempt": 0}


def a_task(status: TaskStatus = TaskStatus.CREATED, kind: TaskKind = TaskKind.TASK, **changes: Any) -> TaskEntity:
    """A task of type ``cat``."""
    key = TaskKey.of(kind, TENANT, "cat", CODE)
    values: dict[str, Any] = {
        "pk": key.pk,
        "sk": key.sk,
        "kind": kind,
        "code": CODE,
        "type": "cat",
        "name": "Feed the cats",
        "tenant_code": TENANT,
        "status": status,
        "version": 4,
        "history": (CREATED_ENTRY,),
        "created_at": CREATED_ENTRY["at"],
        "updated_at": CREATED_ENTRY["at"],
        "attention": open_attention(CODE),
        "due_at": "2026-11-22T09:05:00.000Z",
    }
    return TaskEntity(**(values | changes))


def a_fan_out(status: TaskStatus = TaskStatus.CREATED, **changes: Any) -> TaskEntity:
    """A Step Functions task of type ``cat``."""
    return a_task(status, TaskKind.SFN_TASK, **changes)


def a_chunk(number: int = 0, first: int = 0, count: int = 3, **changes: Any) -> Chunk:
    """A chunk of the task above."""
    place = Range(number, first, count)
    return Chunk(**({"pk": chunks_pk(TENANT, CODE), "sk": chunk_sk(number), "range": place} | changes))
