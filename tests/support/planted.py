"""Tasks put into the table by hand, without the stream record that would dispatch them: what a loss leaves behind."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from serverless_tasks import TaskEntity, TaskKey, TaskKind, TaskStatus
from serverless_tasks.core import chunks, outcomes
from serverless_tasks.core.attribute_values import encode_item
from serverless_tasks.core.keys import open_attention
from serverless_tasks.core.times import to_iso
from ulid import ULID

from local.cloud import Connection

TENANT = "mbc"
FAR = 2**32
"""Seconds since 1970: when nobody waits for an end any more."""


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


def plant_fan_out(cloud: Connection, number: int, lanes: int = 20, **values: Any) -> dict[str, Any]:
    """A fan-out that ran in so many chunks of 20 sub-tasks, ``lanes`` at once; one of 97 has failures."""
    size, failed = 20, -(-number // 97)
    counts = {
        "subTaskCount": number * size,
        "subTaskSucceedCount": number * size - failed,
        "subTaskFailedCount": failed,
    }
    attributes = {**counts, "error": json.dumps({"type": "SubTasksFailed", "message": f"{failed} sub-tasks failed"})}
    history = tuple(
        {"status": status, "at": at, "attempt": 0}
        for status, at in (("CREATED", ago(60)), ("PROCESSING", ago(59)), ("FAILED", ago(55)))
    )
    everything = {"input_text": json.dumps([0] * number * size), "attributes": attributes, "history": history}
    over: dict[str, Any] = {"updated_at": ago(55), "attention": None, "due_at": None, "expires_at": FAR}
    standard: dict[str, Any] = {**everything, **over}
    task = lost_task(TaskKind.SFN_TASK, TaskStatus.FAILED, **{**standard, **values})
    items = [_ran(task, place, lanes, size) for place in range(number)]
    client, table = cloud.client("dynamodb"), cloud.stack["tableName"]
    for start in range(0, number, 25):  # what a batch takes
        puts = [{"PutRequest": {"Item": encode_item(item)}} for item in items[start : start + 25]]
        client.batch_write_item(RequestItems={table: puts})
    return plant(cloud, task)


def _ran(task: TaskEntity, number: int, lanes: int, size: int) -> dict[str, Any]:
    """The item of a chunk that has ended. No two take equally long, and each begins when one before it has ended."""
    begins = 60 * 59 - number // lanes * 4 - number % lanes / 10
    place, failed = chunks.Range(number, number * size, size), int(number % 97 == 0)
    started, finished = ago(begins / 60), ago((begins - 2 - number % 7 / 4) / 60)
    lines = [outcomes.completed_line(place.first + offset, 1, started, finished, "null") for offset in range(size)]
    if failed:
        error = {"type": "LookupError", "message": "nobody there"}
        lines[0] = outcomes.failed_line(place.first, 1, started, finished, error, run=0)
    ran = {
        "attempt": 1,
        "startedAt": started,
        "finishedAt": finished,
        "succeeded": size - failed,
        "failed": failed,
        "outcomes": "".join(f"{line}\n" for line in lines),
    }
    return {**chunks.create(task, place, expires_at=FAR).item, **ran}


def put(cloud: Connection, item: dict[str, Any]) -> None:
    """Put any item into the table."""
    cloud.client("dynamodb").put_item(TableName=cloud.stack["tableName"], Item=encode_item(item))
