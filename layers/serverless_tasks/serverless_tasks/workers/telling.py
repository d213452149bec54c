"""Tells the topics that tasks have ended."""

from __future__ import annotations

from collections.abc import Sequence

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.keys import TaskKey
from serverless_tasks.core.untold import Topic
from serverless_tasks.workers.log import logger, task_keys

Topics = tuple[Topic, ...]


def tell_the_ends(cloud: Cloud, ends: Sequence[tuple[TaskEntity, Topics]]) -> dict[TaskKey, Topics]:
    """Publish the end of each task on its topics; returns the topics that did not take it, by task."""
    left: dict[TaskKey, Topics] = {}
    for topic in Topic:
        for task, error in _publish(cloud, topic, [task for task, topics in ends if topic in topics]):
            logger.error("the end is to be told later", exc_info=error, extra={**task_keys(task), "topic": topic})
            left[task.key] = (*left.get(task.key, ()), topic)
    return left


def _publish(cloud: Cloud, topic: Topic, tasks: Sequence[TaskEntity]) -> list[tuple[TaskEntity, Exception]]:
    if not tasks:
        return []
    publish = cloud.topics.publish_statuses if topic is Topic.STATUS else cloud.topics.publish_alarms
    failures = publish(tasks)
    return [(task, failures[task.key]) for task in tasks if task.key in failures]
