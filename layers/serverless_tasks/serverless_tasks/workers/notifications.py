"""Publishes the status of tasks to the sinks, and later the ends that a sink did not take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.outbox import undelivered
from serverless_tasks.core.outbox.undelivered import Undelivered
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.times import Clock, to_iso

if TYPE_CHECKING:
    from serverless_tasks.adapters.sinks.registry import Sink

REFUSALS = 3
"""A sink that refuses so many ends one after the other is down: it is asked for no other one in this run."""


def publish(sinks: Iterable[Sink], tasks: Sequence[TaskEntity]) -> dict[TaskKey, tuple[str, ...]]:
    """Publish the status of these tasks; returns the names of the sinks that did not take it, by task.

    A refused end is to be published later. Any other status is lost then: the end of the task will be published.
    """
    refused: dict[TaskKey, tuple[str, ...]] = {}
    for sink in sinks:
        concerned = [task for task in tasks if sink.is_for(task)]
        failures = sink.publish(concerned) if concerned else {}
        for task in concerned:
            if error := failures.get(task.key):
                refused[task.key] = (*refused.get(task.key, ()), sink.name)
                lost = "the end is published later" if task.status.terminal else "a status message is lost"
                logger.error(lost, exc_info=error, extra={**task_keys(task), "sink": sink.name})
    return refused


class LateNotifications:
    """One run of the sweeper. Ends that wait for a sink that is down are put off untried, so that others come first."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self._cloud = cloud
        self._clock = clock
        self._refusals: Counter[str] = Counter()

    def publish(self, key: TaskKey) -> None:
        """Publish the end with this key, if it is due. Raises :class:`LostRace` where another run publishes it."""
        item, now = self._cloud.table.item(key), self._clock()
        found = Undelivered.from_item(item) if item else None
        if found is None or found.due_at is None or found.due_at > to_iso(now):
            return
        found = Undelivered.from_item(self._cloud.table.update(undelivered.put_off(found, now)))
        down = {name for name in found.sinks if self._refusals[name] >= REFUSALS}
        if down.issuperset(found.sinks):
            return
        left = self._left(found, down)
        if left != found.sinks:
            self._cloud.table.update(undelivered.delivered(found, left))

    def _left(self, found: Undelivered, down: set[str]) -> tuple[str, ...]:
        """The sinks that still lack it: none when the task was retried or is gone, as its end is no news then.

        A sink that the stack no longer has lacks nothing.
        """
        task = self._cloud.table.get(found.task_key)
        if task is None or task.version != found.version:
            return ()
        asked = [sink for sink in self._cloud.sinks if sink.name in found.sinks and sink.name not in down]
        refused = publish(asked, [task]).get(task.key, ())
        for sink in asked:
            self._refusals[sink.name] = self._refusals[sink.name] + 1 if sink.name in refused else 0
        return tuple(name for name in found.sinks if name in down or name in refused)
