"""The task queue and its dead-letter queue."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from serverless_tasks.adapters.in_batches import Entry, Failures, in_batches
from serverless_tasks.adapters.meter import Meter
from serverless_tasks.core.outbox.messages import task_message
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.usage.amounts import Usage

DELETED = Usage(queue_requests=1)
"""One day Lambda deletes the message, when no write is left that could say so."""
SENT = DELETED + Usage(queue_requests=1)
RECEIVED = Usage(queue_requests=1)
"""Lambda received the message for the worker."""
MAX_VISIBILITY = 43_200 - 900
"""Seconds. SQS hides a message for at most 12 hours from its receipt, which was up to an invocation ago."""
MOST_RECEIVES = 1000
"""After them SQS dead-letters a message, without a reason (``maxReceiveCount``; it allows no more)."""
LAST_RECEIVES = 50
"""Before that a message is not taken back any more: its task gets a new one."""
MOST_BYTES = 1_048_576
"""Of a message, its attributes included (SQS quotas)."""
MOST_ATTRIBUTES = 10
"""Of a message (SQS quotas)."""


def visibility_timeout(seconds: float) -> int:
    """Whole seconds that SQS takes."""
    return min(MAX_VISIBILITY, max(0, math.ceil(seconds)))


def is_worn_out(record: Mapping[str, Any]) -> bool:
    """Whether SQS would soon dead-letter this received message for the number of its receives alone."""
    receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 0))
    return receives > MOST_RECEIVES - LAST_RECEIVES


class TaskQueue:
    """Sends, hides and dead-letters task messages.

    ``fair``: the tenant is a message's group, so that one tenant's backlog delays no other (fair queue).
    """

    def __init__(
        self, client: Any, url: str, dead_letter_url: str, meter: Meter | None = None, *, fair: bool = True
    ) -> None:
        self._client = client
        self._url = url
        self._dead_letter_url = dead_letter_url
        self._meter = meter or Meter()
        self._fair = fair

    def send(self, task: TaskEntity) -> None:
        """Dispatch a single task."""
        self._client.send_message(QueueUrl=self._url, **self._message(task))
        self._meter.note(SENT, task.code)

    def send_all(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Dispatch single tasks, ten with a request; returns what was not sent."""
        failures = in_batches(tasks, self._message, self._send_batch)
        for task in tasks:
            if task.key not in failures:
                self._meter.note(DELETED, task.code)
        return failures

    def _message(self, task: TaskEntity) -> dict[str, Any]:
        body = json.dumps(task_message(task), separators=(",", ":"))
        return {"MessageBody": body, **({"MessageGroupId": task.tenant_code} if self._fair else {})}

    def _send_batch(self, entries: Sequence[Entry]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        self._meter.note(Usage(queue_requests=1))
        return answer

    def hide(self, record: Mapping[str, Any], seconds: float) -> None:
        """Let the received message come back after so many seconds, not before."""
        handle, timeout = record["receiptHandle"], visibility_timeout(seconds)
        self._client.change_message_visibility(QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=timeout)
        self._meter.note(Usage(queue_requests=1))

    def dead_letter(self, record: Mapping[str, Any], reason: str) -> None:
        """Put a message that can never be processed on the dead-letter queue, as it came, with the reason beside it.

        Where the two do not fit into one message, the body is cut, and the reason says so.
        """
        self._client.send_message(QueueUrl=self._dead_letter_url, **dead_letter_message(record, reason))


def dead_letter_message(record: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """The arguments of SendMessage: SQS counts attributes and body together, and refuses an empty one of either."""
    own = _own_attributes(record)
    if _size(own) > MOST_BYTES // 2:
        own = {}  # the body says more of what the message is
    body = (record.get("body") or " ").encode()
    attributes = {**own, "reason": _text(reason)}
    if len(body) + _size(attributes) > MOST_BYTES:
        attributes = {**own, "reason": _text(f"{reason}; the body had {len(body)} bytes and is cut")}
        body = body[: MOST_BYTES - _size(attributes)]
    group = record.get("attributes", {}).get("MessageGroupId")
    return {
        "MessageBody": body.decode(errors="ignore"),
        "MessageAttributes": attributes,
        **({"MessageGroupId": group} if group else {}),
    }


def _own_attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that the message came with, from Lambda's form to SQS's, with room for one more."""
    found = {name: given for name, given in record.get("messageAttributes", {}).items() if name != "reason"}
    return {
        name: {"DataType": given["dataType"], "BinaryValue": b64decode(given["binaryValue"])}
        if given["dataType"].startswith("Binary")
        else {"DataType": given["dataType"], "StringValue": given["stringValue"]}
        for name, given in list(found.items())[: MOST_ATTRIBUTES - 1]
    }


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def _size(attributes: Mapping[str, Any]) -> int:
    """Bytes of names, types and values, which is what SQS counts."""
    parts = (part for name, given in attributes.items() for part in (name, *given.values()))
    return sum(len(part if isinstance(part, bytes) else part.encode()) for part in parts)
