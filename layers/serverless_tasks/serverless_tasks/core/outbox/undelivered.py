"""The end of a task that a topic, or the event bus, did not take: an item of its own, by which the sweeper finds it.

The task stays as it ended, and where it is listed. Where the topics answer, nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from serverless_tasks.core.dynamodb.expressions import Update, absent, equals
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import SEPARATOR, TaskKey, untold_attention
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import after, from_iso, to_iso

KIND = "UNTOLD"
FIRST_LOOK_SECONDS = 60
"""After a topic did not take the end; then as long again as it is untold, …"""
LONGEST_LOOK_SECONDS = 3600
"""… at most an hour, so that a topic that is back is soon told."""


class Topic(StrEnum):
    """Who is to be told."""

    STATUS = "status"
    ALARM = "alarm"
    BUS = "bus"
    """The event bus. Without one nothing is owed to it."""


OF_EVERY_STATUS = (Topic.STATUS, Topic.BUS)
"""Who is told of whichever statuses ``StatusMessages`` says, not of failures alone."""


@dataclass(frozen=True, slots=True)
class Untold:
    """What is owed: one end of a task, which its ``version`` names, to ``topics``."""

    pk: str
    sk: str
    topics: tuple[Topic, ...]
    since: str
    due_at: str | None
    """None when all is told. TTL deletes it."""

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Untold:
        """Raises ``KeyError`` or ``ValueError`` for what is none."""
        topics = tuple(Topic(name) for name in item["topics"])
        return cls(item["pk"], item["sk"], topics, item["since"], item.get("dueAt"))

    @property
    def task_key(self) -> TaskKey:
        """The task that ended."""
        return TaskKey(self.pk.removeprefix(KIND + SEPARATOR), self.sk.rpartition(SEPARATOR)[0])

    @property
    def version(self) -> int:
        """The task's version at that end. A task with another one was retried, and this end is no news any more."""
        return int(self.sk.rpartition(SEPARATOR)[2])


def concerned(task: TaskEntity) -> tuple[Topic, ...]:
    """Which topics the end of a task is for."""
    return tuple(Topic) if task.status is TaskStatus.FAILED else OF_EVERY_STATUS


def owed(task: TaskEntity, topics: Sequence[Topic], at: datetime) -> Update:
    """Remember that these topics did not take the end of the task. The stream may say so twice."""
    sets = {
        "kind": KIND,
        "topics": list(topics),
        "since": to_iso(at),
        "attention": untold_attention(task.code),
        "dueAt": to_iso(after(at, FIRST_LOOK_SECONDS)),
        "expiresAt": task.expires_at,
    }
    key = (f"{KIND}{SEPARATOR}{task.pk}", f"{task.sk}{SEPARATOR}{task.version}")
    return Update(*key, set=sets, conditions=(absent("pk"),))


def put_off(untold: Untold, at: datetime) -> Update:
    """The sweeper's look, before it tells: of two sweepers one gets it."""
    age = (at - from_iso(untold.since)).total_seconds()
    wait = min(LONGEST_LOOK_SECONDS, max(FIRST_LOOK_SECONDS, age))
    return _changed(untold, {"dueAt": to_iso(after(at, wait))})


def told(untold: Untold, left: Sequence[Topic]) -> Update:
    """All topics but those that are left have taken it; where none is, there is nothing more to look at."""
    return _changed(untold, {"topics": list(left)}, () if left else ("attention", "dueAt"))


def _changed(untold: Untold, sets: Mapping[str, Any], removes: tuple[str, ...] = ()) -> Update:
    return Update(untold.pk, untold.sk, set=sets, remove=removes, conditions=(equals("dueAt", untold.due_at),))
