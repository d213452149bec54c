"""The topics that tell others: every end of a task, and every failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from serverless_tasks.adapters.in_batches import Failures, in_batches
from serverless_tasks.core.outbox.messages import (
    alarm_message,
    alarm_text,
    status_message,
    status_message_attributes,
    status_subject,
)
from serverless_tasks.core.task.entity import TaskEntity


class Topics:
    """Publishes status and alarm messages."""

    def __init__(self, client: Any, status_topic_arn: str, alarm_topic_arn: str, table_name: str) -> None:
        self._client = client
        self._status_topic_arn = status_topic_arn
        self._alarm_topic_arn = alarm_topic_arn
        self._table_name = table_name

    def publish_statuses(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Say what each task's status is now, ten with a request; returns what was not taken."""
        return self._publish_all(self._status_topic_arn, tasks, self._status)

    def publish_alarms(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Say of each failed task that it needs somebody, ten with a request; returns what was not taken."""
        return self._publish_all(self._alarm_topic_arn, tasks, lambda task: self._alarm(task, alarm_text(task)))

    def publish_alarm(self, task: TaskEntity, error_message: str) -> None:
        """Say that the task needs somebody."""
        self._client.publish(TopicArn=self._alarm_topic_arn, **self._alarm(task, error_message))

    def _status(self, task: TaskEntity) -> dict[str, Any]:
        entry = _entry(status_message(task, self._table_name), status_message_attributes(task))
        return {**entry, "Subject": status_subject(task)}  # for mail; a message that is delivered raw has none

    def _alarm(self, task: TaskEntity, error_message: str) -> dict[str, Any]:
        return _entry(alarm_message(task, error_message, self._table_name), {"action": "sfn-alarm"})

    def _publish_all(
        self, topic_arn: str, tasks: Sequence[TaskEntity], build: Callable[[TaskEntity], dict[str, Any]]
    ) -> Failures:
        publish = self._client.publish_batch
        return in_batches(tasks, build, lambda e: publish(TopicArn=topic_arn, PublishBatchRequestEntries=e))


def _entry(message: Mapping[str, Any], attributes: Mapping[str, str]) -> dict[str, Any]:
    typed = {name: {"DataType": "String", "StringValue": str(value)} for name, value in attributes.items()}
    body = json.dumps(message, separators=(",", ":"))  # in ASCII: half a surrogate pair is JSON, but no UTF-8
    return {"Message": body, "MessageAttributes": typed}
