"""A topic of SNS: messages with attributes that subscribers can filter by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from serverless_tasks.adapters.in_batches import Failures, in_batches
from serverless_tasks.core.task.entity import TaskEntity


def publish(
    client: Any, topic_arn: str, tasks: Sequence[TaskEntity], build: Callable[[TaskEntity], Mapping[str, Any]]
) -> Failures:
    """Publish the entry that ``build`` makes of each task, ten with a request; returns what was not taken."""
    return in_batches(
        tasks, build, lambda entries: client.publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
    )


def entry(message: Mapping[str, Any], attributes: Mapping[str, str]) -> dict[str, Any]:
    """What Publish, and an entry of PublishBatch, says of a message."""
    typed = {name: {"DataType": "String", "StringValue": str(value)} for name, value in attributes.items()}
    body = json.dumps(message, separators=(",", ":"))  # in ASCII: half a surrogate pair is JSON, but no UTF-8
    return {"Message": body, "MessageAttributes": typed}
