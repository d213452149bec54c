"""The status topic: every end of a task, or every status, as ``StatusMessages`` says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serverless_tasks.adapters.in_batches import Failures
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.adapters.sinks.topic import entry, publish
from serverless_tasks.core.outbox.messages import status_message, status_message_attributes, status_subject
from serverless_tasks.core.task.entity import TaskEntity


class StatusTopic:
    """Publishes status messages."""

    name = "status"

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def is_for(self, task: TaskEntity) -> bool:
        """Whether its status is one of those that the stack publishes."""
        return task.status in self._settings.published

    def publish(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Publish the status of each task; returns what was not taken."""
        return publish(self._client, self._settings.status_topic_arn, tasks, self._entry)

    def _entry(self, task: TaskEntity) -> dict[str, Any]:
        message = status_message(task, self._settings.table_name)
        # The subject is that of a mail; a message that is delivered raw has none.
        return {**entry(message, status_message_attributes(task)), "Subject": status_subject(task)}
