"""The topics that tell others: every end of a task, and every failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.messages import alarm_message, status_message, status_message_attributes


class Topics:
    """Publishes status and alarm messages."""

    def __init__(self, client: Any, status_topic_arn: str, alarm_topic_arn: str, table_name: str) -> None:
        self._client = client
        self._status_topic_arn = status_topic_arn
        self._alarm_topic_arn = alarm_topic_arn
        self._table_name = table_name

    def publish_status(self, task: TaskEntity) -> None:
        """Say what the task's status is now."""
        message = status_message(task, self._table_name)
        self._publish(self._status_topic_arn, message, status_message_attributes(task))

    def publish_alarm(self, task: TaskEntity, error_message: str) -> None:
        """Say that the task needs somebody."""
        message = alarm_message(task, error_message, self._table_name)
        self._publish(self._alarm_topic_arn, message, {"action": "sfn-alarm"})

    def _publish(self, topic_arn: str, message: Mapping[str, Any], attributes: Mapping[str, str]) -> None:
        typed = {name: {"DataType": "String", "StringValue": str(value)} for name, value in attributes.items()}
        body = json.dumps(message, separators=(",", ":"))  # in ASCII: half a surrogate pair is JSON, but no UTF-8
        self._client.publish(TopicArn=topic_arn, Message=body, MessageAttributes=typed)
