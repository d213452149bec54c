"""What a stack holds in the end, in a form in which the stack in memory and the real adapters are equal."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import Item, decode_item
from serverless_tasks.core.usage.amounts import STORED_AS
from serverless_tasks.testing import MemoryStack

from tests.support.clients import driver_client
from tests.support.moto_stack import MotoStack

Snapshot = dict[str, Any]


def snapshot(stack: MemoryStack | MotoStack) -> Snapshot:
    """Items, objects, dead letters and messages of the topics, after all that can happen now has happened."""
    while stack.step():
        pass
    found = _of_memory(stack) if isinstance(stack, MemoryStack) else _of_moto(stack)
    codes = {code: f"code-{n}" for n, code in enumerate(sorted({i["code"] for i in found["items"] if "code" in i}))}
    named = {item["inputRef"]["key"] for item in found["items"] if "inputRef" in item}
    uploads = sorted(key.split("/")[2].split(".")[0] for key in named if key.startswith("uploads/"))
    codes |= {code: f"upload-{n}" for n, code in enumerate(uploads)}
    end: Snapshot = {name: _normal(value, codes) for name, value in found.items()}
    end["objects"].sort()
    return end


def _of_memory(stack: MemoryStack) -> Snapshot:
    memory = stack.memory
    return {
        "items": [item for _, item in sorted(memory.table.items.items())],
        "objects": list(memory.payloads.objects.items()),
        "messages": len(memory.queue.messages),
        "dead letters": memory.queue.dead_letters,
        "statuses": memory.topics.statuses,
        "alarms": memory.topics.alarms,
    }


def _of_moto(stack: MotoStack) -> Snapshot:
    return {
        "items": sorted(all_items(), key=lambda item: (item["pk"], item["sk"])),
        "objects": list(_objects(stack.resources.name("PayloadBucket"))),
        "messages": _message_count(stack.resources.name("TaskQueue")),
        "dead letters": stack.dead_letters(),
        "statuses": stack.topics.statuses,
        "alarms": stack.topics.alarms,
    }


def all_items() -> list[Item]:
    """Every item of moto's table."""
    pages = driver_client("dynamodb").get_paginator("scan").paginate(TableName="tasks")
    return [decode_item(item) for page in pages for item in page["Items"]]


def _objects(bucket: str) -> Iterator[tuple[str, str]]:
    client = driver_client("s3")
    for listed in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
        yield listed["Key"], client.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read().decode()


def _message_count(queue_url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = driver_client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def _normal(value: Any, codes: Mapping[str, str]) -> Any:
    """The same without usage, which nothing in memory has, and without what is made up.

    That is codes, UUIDs, ETags, and the state machine's part of an execution's ARN.
    """
    match value:
        case str():
            text = re.sub(r"\barn:aws:states:[^\"]*:", "", value)
            text = re.sub(r"[0-9a-f]{32}", "a UUID", text)
            text = re.sub(r'"etag":"\\".*?\\""', '"etag":"an ETag"', text)
            return re.sub(r"[0-9A-HJKMNP-TV-Z]{26}", lambda found: codes.get(found[0], found[0]), text)
        case Mapping():
            plain = {_normal(k, codes): _normal(v, codes) for k, v in value.items() if k not in STORED_AS.values()}
            if "attention" in plain and str(plain["attention"]).startswith("OPEN#"):
                plain["attention"] = "OPEN#a shard of the code"
            return plain | ({"etag": "an ETag"} if "etag" in plain else {})
        case list() | tuple():
            return [_normal(item, codes) for item in value]
    return value
