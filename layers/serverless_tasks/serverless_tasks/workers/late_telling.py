"""Tells topics what they did not take when it was news, in one run of the sweeper."""

from __future__ import annotations

from collections import Counter

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core.outbox import undelivered
from serverless_tasks.core.outbox.undelivered import Topic, Untold
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.times import Clock, to_iso
from serverless_tasks.workers.telling import tell_the_ends

REFUSALS = 3
"""A topic that refuses so many ends one after the other is down: in this run nobody asks it again."""


class LateTelling:
    """One run. Ends that are owed to a topic that is down are put off untried, so that they stand before no others."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self._cloud = cloud
        self._clock = clock
        self._refusals: Counter[Topic] = Counter()

    def tell(self, key: TaskKey) -> None:
        """The end with this key, if it is still to be told. Raises :class:`LostRace` where another run tells it."""
        item, now = self._cloud.table.item(key), self._clock()
        owed = Untold.from_item(item) if item else None
        if owed is None or owed.due_at is None or owed.due_at > to_iso(now):
            return
        owed = Untold.from_item(self._cloud.table.update(undelivered.put_off(owed, now)))
        asked = tuple(topic for topic in owed.topics if self._refusals[topic] < REFUSALS)
        if not asked:
            return
        told = self._told(owed, asked)
        if told:
            left = tuple(topic for topic in owed.topics if topic not in told)
            self._cloud.table.update(undelivered.told(owed, left))

    def _told(self, owed: Untold, asked: tuple[Topic, ...]) -> set[Topic]:
        """Which topics need not be told any more: all, if the task was retried or is gone, and its end no news."""
        task = self._cloud.table.get(owed.task_key)
        if task is None or task.version != owed.version:
            return set(owed.topics)
        left = tell_the_ends(self._cloud, [(task, asked)]).get(task.key, ())
        for topic in asked:
            self._refusals[topic] = self._refusals[topic] + 1 if topic in left else 0
        return set(asked).difference(left)
