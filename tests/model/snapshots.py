"""Items of the table as small numbers: equal items are the same number, and what a model need not tell apart is gone.

A state holds the item and what workers remember of it. Two things would make the states endless, and are made finite:

- **Versions.** Conditions compare them for equality only, and they only grow. So the item always has version CURRENT,
  and whatever a writer remembers from before the last transition has version PAST. The same goes for a chunk's attempt.
- **Times.** A lease or a backoff is running (AHEAD of the model's clock) or over (BEHIND it); the step "time passes"
  makes the one the other. Other times are always BEHIND: the sweeper may look at any moment.

History, authors and errors are dropped, after each write was checked against them (see :mod:`edges`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Generic, TypeVar

from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.times import to_iso
from serverless_tasks.testing.table import MemoryTable

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD, BEHIND = to_iso(NOW + timedelta(days=1)), to_iso(NOW - timedelta(days=1))
CURRENT, PAST = 10, 9
HISTORY = ({"status": "CREATED", "at": BEHIND, "attempt": 0},)

Item = TypeVar("Item", TaskEntity, Chunk)


class Book(Generic[Item]):
    """Numbers for items and back."""

    def __init__(self, canonical: Callable[[Item], Item], key: Callable[[Item], Hashable]) -> None:
        self._canonical = canonical
        self._key = key
        self._items: list[Item] = []
        self._numbers: dict[Hashable, int] = {}

    def __getitem__(self, number: int) -> Item:
        return self._items[number]

    def number(self, item: Item) -> int:
        """The number of the item, or of an equal one."""
        item = self._canonical(item)
        key = self._key(item)
        if key not in self._numbers:
            self._numbers[key] = len(self._items)
            self._items.append(item)
        return self._numbers[key]


def _time(moment: str | None) -> str | None:
    return None if moment is None else AHEAD if moment > to_iso(NOW) else BEHIND


def _canonical_task(task: TaskEntity) -> TaskEntity:
    kept = {name: task.attributes[name] for name in KEPT_ATTRIBUTES if name in task.attributes}
    return replace(
        task,
        attributes=kept,
        lease_until=_time(task.lease_until),
        next_attempt_at=_time(task.next_attempt_at),
        due_at=task.due_at and BEHIND,
        dispatched_at=None,
        attempt_started_at=task.attempt_started_at and BEHIND,
        created_at=BEHIND,
        updated_at=BEHIND,
        updated_by=None,
        expires_at=task.expires_at and 1,
        history=HISTORY,
        change="status",
    )


KEPT_ATTRIBUTES = ("subTaskCount", "subTaskSucceedCount", "subTaskFailedCount")


def _task_key(task: TaskEntity) -> Hashable:
    policy = task.policy and tuple(task.policy.items())
    began = (task.attempt_started_at, policy)
    marks = (task.lease_until, task.next_attempt_at, task.attention, task.expires_at, task.execution_arn)
    counts = tuple(task.attributes.get(name) for name in KEPT_ATTRIBUTES)
    return (task.kind, task.status, task.version, task.attempt, task.run, task.done_chunks, marks, counts, began)


TASKS: Book[TaskEntity] = Book(_canonical_task, _task_key)


def written(table: MemoryTable, item: Any, update: Update) -> dict[str, Any] | None:
    """The item after the update, or None where a condition does not hold: the real clauses on the real item."""
    table.items = {(update.pk, update.sk): item}
    table.stream = []
    try:
        return table.update(update)
    except LostRace:
        return None


@cache
def outdated(number: int) -> int:
    """What is remembered of a task, once the task has moved on: who holds it, no more."""
    gone = dict.fromkeys(("lease_until", "next_attempt_at", "due_at", "attention", "expires_at"))
    return TASKS.number(replace(TASKS[number], version=PAST, **gone))


@cache
def time_passes(number: int, field: str) -> int | None:
    """The task after its lease or backoff is over, or None when it has none that runs."""
    task = TASKS[number]
    return TASKS.number(replace(task, **{field: BEHIND})) if getattr(task, field) == AHEAD else None
