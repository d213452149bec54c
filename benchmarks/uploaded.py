"""A Step Functions task whose input lies in the bucket already, as after an upload.

The HTTP API has no uploads yet (``POST /uploads``); this does what creation will do for them: the task's item names an
object of JSON Lines, and no element passes through the creator.
"""

from collections.abc import Iterable
from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.payloads import JSON_LINES, payload_key
from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.expressions import Put
from serverless_tasks.core.keys import TaskKey, open_attention
from serverless_tasks.core.status import TaskKind, TaskStatus
from serverless_tasks.core.times import Clock, after, to_iso
from ulid import ULID

TENANT = "bench"


def elements(count: int) -> Iterable[dict[str, Any]]:
    """Input elements like the one in the followed module's own example."""
    return ({"key": f"value{number}"} for number in range(count))


def json_lines(count: int) -> str:
    """The same as JSON Lines."""
    return "".join(f'{{"key":"value{number}"}}\n' for number in range(count))


def create(cloud: Cloud, clock: Clock, task_type: str, count: int) -> TaskEntity:
    """Put ``count`` elements into the bucket and write the task that names them."""
    now = clock()
    code = str(ULID.from_datetime(now))
    key = TaskKey.of(TaskKind.SFN_TASK, TENANT, task_type, code)
    reference = cloud.payloads.put(payload_key(TENANT, code, "input.jsonl"), json_lines(count), JSON_LINES)
    task = TaskEntity(
        pk=key.pk,
        sk=key.sk,
        kind=TaskKind.SFN_TASK,
        code=code,
        type=task_type,
        name=task_type,
        tenant_code=TENANT,
        status=TaskStatus.CREATED,
        input_ref=reference,
        history=({"status": TaskStatus.CREATED, "at": to_iso(now), "attempt": 0},),
        created_at=to_iso(now),
        updated_at=to_iso(now),
        attention=open_attention(code),
        due_at=to_iso(after(now, cloud.settings.first_look_seconds)),
    )
    cloud.table.put(Put(task.to_item()))
    return task
