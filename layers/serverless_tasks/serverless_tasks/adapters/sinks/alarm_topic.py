"""The alarm topic: every failure of a task, for those on call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serverless_tasks.adapters.in_batches import Failures
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.adapters.sinks.topic import entry, publish
from serverless_tasks.core.outbox.messages import alarm_message, alarm_text
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import FACTS


class AlarmTopic:
    """Publishes alarm messages."""

    name = "alarm"

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def is_for(self, task: TaskEntity) -> bool:
        """Whether it failed."""
        return FACTS[task.status].alarms

    def publish(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Publish the error of each failed task; returns what was not taken."""
        return publish(
            self._client, self._settings.alarm_topic_arn, tasks, lambda task: self._entry(task, alarm_text(task))
        )

    def publish_alarm(self, task: TaskEntity, error_message: str) -> None:
        """Publish an alarm about the task, whatever its status."""
        self._client.publish(TopicArn=self._settings.alarm_topic_arn, **self._entry(task, error_message))

    def _entry(self, task: TaskEntity, error_message: str) -> dict[str, Any]:
        return entry(alarm_message(task, error_message, self._settings.table_name), {"action": "sfn-alarm"})
