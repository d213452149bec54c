"""Tasks put into the table by hand, without the stream record that would dispatch them: what a loss leaves behind."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from serverless_tasks import TaskEntity, TaskKey, TaskKind, TaskStatus
from serverless_tasks.core.attribute_values import encode_item
from serverless_tasks.core.keys import open_attention
from serverless_tasks.core.times import to_iso
from ulid import ULID

from local.cloud import Connection

TENANT = "mbc"


def ago(minutes: float) -> str:
    """A time that many minutes ago."""
    return to_iso(datetime.now(UTC) - timedelta(minutes=minutes))


def lost_task(kind: TaskKind, status: TaskStatus, task_type: str = "probe", **values: Any) -> TaskEntity:
    """An open task of an hour ago, due to be looked at, last written as ``data``, which the stream does not pass on."""
    code = str(ULID())
    key = TaskKey.of(kind, TENANT, task_type, code)
    order = {"do": "echo"}
    standard: dict[str, Any] = {
        "name": task_type,
        "input_text": json.dumps([order] * 3 if kind is TaskKind.SFN_TASK else order),
        "history": ({"status": TaskStatus.CREATED, "at": ago(60), "attempt": 0},),
        "created_at": ago(60),
        "updated_at": ago(60),
        "change": "data",
        "attention": open_attention(code),
        "due_at": ago(30),
    }
    return TaskEntity(
        pk=key.pk,
        sk=key.sk,
        kind=kind,
        code=code,
        type=task_type,
        tenant_code=TENANT,
        status=status,
        **{**standard, **values},
    )


def plant(cloud: Connection, task: TaskEntity) -> dict[str, Any]:
    """Put it into the table; returns as much of the API's view of it as is needed to ask for it."""
    put(cloud, task.to_item())
    return view(task)


def view(task: TaskEntity) -> dict[str, Any]:
    """As much of the API's view of a task as is needed to ask for it."""
    return {"id": task.id, "type": task.type, "code": task.code, "tenantCode": task.tenant_code}


def put(cloud: Connection, item: dict[str, Any]) -> None:
    """Put any item into the table."""
    cloud.client("dynamodb").put_item(TableName=cloud.stack["tableName"], Item=encode_item(item))
