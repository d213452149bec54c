"""Tells the topics, and the event bus where there is one, of tasks."""

from __future__ import annotations

from collections.abc import Sequence

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.in_batches import Failures
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.outbox.undelivered import OF_EVERY_STATUS, Topic
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey

Topics = tuple[Topic, ...]


def tell_the_ends(cloud: Cloud, ends: Sequence[tuple[TaskEntity, Topics]]) -> dict[TaskKey, Topics]:
    """Publish the end of each task on its topics; returns the topics that did not take it, by task."""
    left: dict[TaskKey, Topics] = {}
    for topic in Topic:
        concerned = [task for task, topics in ends if topic in topics]
        for task in _refused(cloud, topic, concerned, "the end is to be told later"):
            left[task.key] = (*left.get(task.key, ()), topic)
    return left


def tell_on_the_way(cloud: Cloud, tasks: Sequence[TaskEntity]) -> None:
    """Publish the status of tasks that go on. What is not taken is lost: their end will be told."""
    for topic in OF_EVERY_STATUS:
        _refused(cloud, topic, tasks, "a status message is lost")


def _refused(cloud: Cloud, topic: Topic, tasks: Sequence[TaskEntity], consequence: str) -> list[TaskEntity]:
    """Tell the topic of these tasks; returns those that it did not take."""
    failures = _published(cloud, topic, tasks) if tasks else {}
    refused = [task for task in tasks if task.key in failures]
    for task in refused:
        extra = {**task_keys(task), "topic": topic}
        logger.error(consequence, exc_info=failures[task.key], extra=extra)
    return refused


def _published(cloud: Cloud, topic: Topic, tasks: Sequence[TaskEntity]) -> Failures:
    match topic:
        case Topic.STATUS:
            return cloud.topics.publish_statuses(tasks)
        case Topic.ALARM:
            return cloud.topics.publish_alarms(tasks)
        case Topic.BUS:
            return cloud.event_bus.put_statuses(tasks) if cloud.settings.event_bus_name else {}
