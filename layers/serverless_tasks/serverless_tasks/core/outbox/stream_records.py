"""Records of the table's stream: the task in each, and the batches that Lambda gave up.

Lambda keeps such a batch in the bucket, with the whole event that failed (Lambda developer guide, "Retain discarded
records for a DynamoDB event source").
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import decode_item
from serverless_tasks.core.errors import MalformedMessage
from serverless_tasks.core.task.entity import TaskEntity

PREFIX = "aws/lambda/"
"""Of the keys that Lambda gives such objects."""
_NAME = 6
"""Position of its name in the ARN of a function; a version or an alias may follow."""


def task_of(record: Mapping[str, Any]) -> TaskEntity:
    """The task as the record's new image has it, with an input that can be read.

    Raises :class:`MalformedMessage` for a record without a task.
    """
    try:
        task = TaskEntity.from_item(decode_item(record["dynamodb"]["NewImage"]))
        if task.input_text is not None:
            _ = task.input
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedMessage(f"the record holds no task: {error!r}") from error
    return task


def records_of(document: str | bytes, function: str) -> Sequence[Mapping[str, Any]] | None:
    """The records of a batch that this function failed with; None if it is another function's.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what Lambda did not write.
    """
    found = json.loads(document)
    if found["requestContext"]["functionArn"].split(":")[_NAME] != function:
        return None
    payload = found["payload"]
    event: Mapping[str, Any] = json.loads(payload) if isinstance(payload, str) else payload
    records: Sequence[Mapping[str, Any]] = event["Records"]
    return records
