"""Tells the topics that a task has ended."""

from __future__ import annotations

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.status import TaskStatus


def tell_the_end(cloud: Cloud, task: TaskEntity) -> None:
    """Publish the status, and of a failed task the alarm. Raises what SNS does not take."""
    cloud.topics.publish_status(task)
    if task.status is TaskStatus.FAILED:
        error = task.error or {}
        cloud.topics.publish_alarm(task, f"{error.get('type', 'Error')}: {error.get('message', '')}")
