"""The sinks of a stack. One more is a module beside this one, a line here, a setting, and its part of the template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from serverless_tasks.adapters.in_batches import Failures
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.adapters.sinks.alarm_topic import AlarmTopic
from serverless_tasks.adapters.sinks.status_topic import StatusTopic
from serverless_tasks.core.task.entity import TaskEntity


class Sink(Protocol):
    """Publishes the status of tasks somewhere outside."""

    @property
    def name(self) -> str:
        """Stored beside an end that the sink did not take: it stays as it is for ever."""

    def is_for(self, task: TaskEntity) -> bool:
        """Whether the task's status is published here."""

    def publish(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Publish the status that each task has now; returns the tasks that the sink did not take, and why."""


def sinks_of(settings: Settings, client: Callable[[str], Any]) -> Sequence[Sink]:
    """The sinks that the settings name, in the order in which they are notified. ``client`` gives that of a service.

    A sink that a stack need not have is imported where it has one.
    """
    sinks: list[Sink] = [StatusTopic(client("sns"), settings), AlarmTopic(client("sns"), settings)]
    if settings.event_bus_name:
        from serverless_tasks.adapters.sinks.event_bus import EventBus

        sinks.append(EventBus(client("events"), settings))
    return sinks
