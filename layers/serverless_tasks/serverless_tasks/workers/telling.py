"""Tells the topics that tasks have ended."""

from __future__ import annotations

from collections.abc import Sequence

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.in_batches import Failures
from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.status import TaskStatus


def tell_the_ends(cloud: Cloud, tasks: Sequence[TaskEntity]) -> Failures:
    """Publish the status of each, and of those that failed the alarm; returns those that a topic did not take."""
    if not tasks:
        return {}
    failures = cloud.topics.publish_statuses(tasks)
    failed = [task for task in tasks if task.status is TaskStatus.FAILED and task.key not in failures]
    return failures | (cloud.topics.publish_alarms(failed) if failed else {})
