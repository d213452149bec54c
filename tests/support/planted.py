"""Tasks put into the table by hand, without the stream record that would dispatch them: what a loss leaves behind."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from serverless_tasks import TaskEntity, TaskKey, TaskKind, TaskStatus
from serverless_tasks.core.dynamodb.attribute_values import encode_item
from serverless_tasks.core.fan_out import chunks, outcomes
from serverless_tasks.core.task.keys import open_attention
from serverless_tasks.core.times import to_iso
from serverless_tasks.core.usage.amounts import Usage
from ulid import ULID

from local.cloud import Connection
from local.deployment import resources
from tests.support.driver import Driver

TENANT = "mbc"
CHUNK_SIZE = 20


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


def plant_fan_out(cloud: Connection, number: int, **values: Any) -> dict[str, Any]:
    """A fan-out that ran in so many chunks, twenty at once, an hour ago; one of 97 has failures."""
    count, failed = number * CHUNK_SIZE, -(-number // 97)
    counts = {"subTaskCount": count, "subTaskSucceedCount": count - failed, "subTaskFailedCount": failed}
    error = {"type": "SubTasksFailed", "message": f"{failed} of {count} sub-tasks failed, 0 tolerated"}
    times = {"CREATED": ago(60), "STARTED": ago(60), "PROCESSING": ago(60), "FINISHED": ago(56), "FAILED": ago(56)}
    standard: dict[str, Any] = {
        "input_text": json.dumps([0] * count),
        "attributes": {**counts, "error": json.dumps(error)},
        "history": tuple({"status": status, "at": at, "attempt": 0} for status, at in times.items()),
        "updated_at": ago(56),
        "attention": None,
        "due_at": None,
        "expires_at": _in_a_month(),
        "usage": Usage(write_units=6 * number, read_units=2 * number, invocations=number, state_transitions=2 * number),
    }
    task = lost_task(TaskKind.SFN_TASK, TaskStatus.FAILED, **{**standard, **values})
    items = [_ran(task, place) for place in range(number)]
    client, table = cloud.client("dynamodb"), cloud.stack["tableName"]
    for start in range(0, number, 25):  # what a batch takes
        puts = [{"PutRequest": {"Item": encode_item(item)}} for item in items[start : start + 25]]
        client.batch_write_item(RequestItems={table: puts})
    return plant(cloud, task)


def plant_beside_an_ended_execution(tasks: Driver) -> dict[str, Any]:
    """A planned fan-out whose execution has ended without it: begun before the task is there, it finds none."""
    counts = {"subTaskCount": 3, "subTaskSucceedCount": 0, "subTaskFailedCount": 0}
    task = lost_task(TaskKind.SFN_TASK, TaskStatus.PROCESSING, attributes=counts)
    client, machine = tasks.cloud.client("stepfunctions"), tasks.cloud.stack["stateMachineArn"]
    given = json.dumps({"pk": task.pk, "sk": task.sk, "run": 0})
    begun = client.start_execution(stateMachineArn=machine, name=task.code, input=given)["executionArn"]
    tasks.until(lambda: client.describe_execution(executionArn=begun)["status"] != "RUNNING", "it has ended")
    return plant(tasks.cloud, task)


def plant_an_end_that_was_given_up(cloud: Connection) -> tuple[str, dict[str, str]]:
    """A task that FAILED, whose stream record Lambda has put into the bucket.

    Returns the key of that object, and that of the item which stands for an undelivered end.
    """
    status = TaskStatus.FAILED
    task = lost_task(TaskKind.TASK, status, attention=None, due_at=None, expires_at=_in_a_month())
    plant(cloud, task)
    record = {"eventName": "MODIFY", "dynamodb": {"NewImage": encode_item({**task.to_item(), "change": "status"})}}
    relay = resources(cloud.client, cloud.stack["stackName"])["RelayFunction"][1]
    context = {"functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{relay}"}
    document = {"requestContext": context, "payload": json.dumps({"Records": [record]})}
    key = f"aws/lambda/5d1c8b7e/shardId-0001/{task.code}"
    client, bucket = cloud.client("s3"), cloud.stack["bucketName"]
    client.put_object(Bucket=bucket, Key=key, Body=json.dumps(document).encode())
    return key, {"pk": f"UNTOLD#{task.pk}", "sk": f"{task.sk}#{task.version}"}


def let_chunks_expire_soon(cloud: Connection, task: dict[str, Any]) -> None:
    """Of a fan-out with one chunk: in a minute."""
    key = encode_item({"pk": f"SUB_TASK#{TENANT}#{task['code']}", "sk": "000000"})
    soon = encode_item({":soon": int(datetime.now(UTC).timestamp()) + 60})
    cloud.client("dynamodb").update_item(
        TableName=cloud.stack["tableName"],
        Key=key,
        UpdateExpression="SET expiresAt = :soon",
        ExpressionAttributeValues=soon,
    )


def _ran(task: TaskEntity, number: int) -> dict[str, Any]:
    """The item of a chunk that has ended, as its worker writes it. No two neighbours take equally long."""
    begun = datetime.now(UTC) - timedelta(minutes=60) + timedelta(seconds=number // 20 * 4 + number % 20 / 10)
    ended, failed = begun + timedelta(seconds=2 + number % 7 / 4), int(number % 97 == 0)
    first, times = number * CHUNK_SIZE, (to_iso(begun), to_iso(ended))
    lines = [outcomes.completed_line(index, 1, *times, "null") for index in range(first, first + CHUNK_SIZE)]
    if failed:
        lines[0] = outcomes.failed_line(first, 1, *times, {"type": "LookupError", "message": "nobody there"}, run=0)
    told = {"outcomes": "".join(f"{line}\n" for line in lines)}
    item = chunks.create(task, chunks.Range(number, first, CHUNK_SIZE), _in_a_month()).item
    item = chunks.claim(task, number, begun, ended).applied_to(item)
    counts = (CHUNK_SIZE - failed, failed)
    return chunks.release(chunks.Chunk.from_item(item), told, counts, ended, None).applied_to(item)


def _in_a_month() -> int:
    return int((datetime.now(UTC) + timedelta(days=30)).timestamp())


def put(cloud: Connection, item: dict[str, Any]) -> None:
    """Put any item into the table."""
    cloud.client("dynamodb").put_item(TableName=cloud.stack["tableName"], Item=encode_item(item))
