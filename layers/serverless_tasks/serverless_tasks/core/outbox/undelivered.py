"""The end of a task that a sink did not take: an item of its own, by which the sweeper finds it.

The task stays as it ended, and where it is listed. Where every sink answers, nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serverless_tasks.core.dynamodb.expressions import Update, absent, equals
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import SEPARATOR, UNDELIVERED, TaskKey, undelivered_attention
from serverless_tasks.core.times import after, from_iso, to_iso

FIRST_LOOK_SECONDS = 60
"""After a sink did not take the end; then as long again as it is undelivered, …"""
LONGEST_LOOK_SECONDS = 3600
"""… at most an hour, so that a sink that is back soon gets it."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """One end of a task, which its ``version`` names, and the names of the sinks that did not take it yet."""

    pk: str
    sk: str
    sinks: tuple[str, ...]
    since: str
    due_at: str | None
    """None when it is delivered everywhere. TTL deletes the item."""

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Undelivered:
        """Raises ``KeyError`` or ``TypeError`` for an item that is none."""
        return cls(item["pk"], item["sk"], tuple(item["topics"]), item["since"], item.get("dueAt"))

    @property
    def task_key(self) -> TaskKey:
        """The task that ended."""
        return TaskKey(self.pk.removeprefix(UNDELIVERED + SEPARATOR), self.sk.rpartition(SEPARATOR)[0])

    @property
    def version(self) -> int:
        """The task's version at that end. A task with another one was retried, and this end is no news any more."""
        return int(self.sk.rpartition(SEPARATOR)[2])


def refused(task: TaskEntity, sinks: Sequence[str], at: datetime) -> Update:
    """Remember that these sinks did not take the end of the task. The stream may bring it twice."""
    sets = {
        "kind": UNDELIVERED,
        "topics": list(sinks),
        "since": to_iso(at),
        "attention": undelivered_attention(task.code),
        "dueAt": to_iso(after(at, FIRST_LOOK_SECONDS)),
        "expiresAt": task.expires_at,
    }
    key = (f"{UNDELIVERED}{SEPARATOR}{task.pk}", f"{task.sk}{SEPARATOR}{task.version}")
    return Update(*key, set=sets, conditions=(absent("pk"),))


def put_off(found: Undelivered, at: datetime) -> Update:
    """The sweeper's look, before it publishes: of two sweepers one gets it."""
    age = (at - from_iso(found.since)).total_seconds()
    wait = min(LONGEST_LOOK_SECONDS, max(FIRST_LOOK_SECONDS, age))
    return _changed(found, {"dueAt": to_iso(after(at, wait))})


def delivered(found: Undelivered, left: Sequence[str]) -> Update:
    """All sinks but those that are left have taken it; where none is left, nothing more is looked at."""
    return _changed(found, {"topics": list(left)}, () if left else ("attention", "dueAt"))


def _changed(found: Undelivered, sets: Mapping[str, Any], removes: tuple[str, ...] = ()) -> Update:
    return Update(found.pk, found.sk, set=sets, remove=removes, conditions=(equals("dueAt", found.due_at),))
