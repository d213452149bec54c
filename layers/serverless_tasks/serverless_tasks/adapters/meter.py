"""The meter: keeps the usage of an invocation until the task's next write records it.

Adapters note their requests here, and each write to a task or a chunk takes what was noted and adds it to the item's
own amounts. So nothing is ever sent for the sake of the count. A note after an invocation's last write is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from typing_extensions import override

from serverless_tasks.adapters.table import TaskTable
from serverless_tasks.core.dynamodb.attribute_values import Item
from serverless_tasks.core.dynamodb.expressions import Put, Update
from serverless_tasks.core.dynamodb.sizes import read_units, refused_units, write_units
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import CHUNKS, TaskKey, task_code_of
from serverless_tasks.core.usage.amounts import NOTHING, Usage

Write = TypeVar("Write", Update, Put)
SHARED = ""
"""Stands for a task's code where the request belongs to no known task: the next task that is written pays for it."""
CLOSING_MILLISECONDS = 10
"""Estimated, of an invocation: its last write, which cannot count itself, a log line and the answer."""
TRANSACTION_UNITS = 2
"""A transaction prepares each write and commits it, and both are billed."""


class Meter:
    """Amounts that no write has recorded yet, by the task's code. Outside of an invocation nothing is counted.

    Relay and sweeper work on several tasks in one invocation. Each task pays for its own requests, and for the time
    since the last task was written; the first one pays for the invocation as such. Several threads may use a meter.
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()
        self._megabytes = 0
        self._recorded_at = 0.0
        self._unrecorded: dict[str, Usage] = {}

    def begin(self, megabytes: int | str) -> None:
        """Begin an invocation of a function of so much memory; what the last one left unrecorded is forgotten.

        ``megabytes`` is Lambda's ``context.memory_limit_in_mb``, which is a text.
        """
        with self._lock:
            self._megabytes = int(megabytes)
            self._recorded_at = self._ticks()
            closing = self._megabytes * CLOSING_MILLISECONDS
            self._unrecorded = {SHARED: Usage(invocations=1, megabyte_milliseconds=closing)}

    def note(self, used: Usage, code: str = SHARED) -> None:
        """Count what was used for the task with this code."""
        with self._lock:
            if self._megabytes:
                self._unrecorded[code] = self._unrecorded.get(code, NOTHING) + used

    def take(self, code: str) -> Usage:
        """What to record on the task with this code: its own, what is shared, and the time since the last record."""
        with self._lock:
            now = self._ticks()
            milliseconds, self._recorded_at = (now - self._recorded_at) * 1000, now
            spent = Usage(megabyte_milliseconds=round(milliseconds * self._megabytes))
            return spent + self._unrecorded.pop(code, NOTHING) + self._unrecorded.pop(SHARED, NOTHING)

    @contextmanager
    def recording(self, code: str, *, alone: bool = False) -> Iterator[Usage]:
        """What the write in the block records; ``alone``: nothing but itself. It stays unrecorded when the write fails.

        A write whose condition did not hold is billed all the same, by the item that it found.
        """
        unrecorded = NOTHING if alone else self.take(code)
        try:
            yield unrecorded
        except LostRace as lost:
            self.note(unrecorded + Usage(write_units=refused_units(lost.item)), code)
            raise
        except Exception:
            self.note(unrecorded, code)
            raise

    def note_again(self, code: str, times: int) -> None:
        """Count everything that is unrecorded of this task so many times more."""
        unrecorded = self.take(code)
        self.note(unrecorded.times(1 + times), code)


class MeteredTable(TaskTable):
    """The tasks table. It notes what its reads take, and its writes of tasks and chunks record what was noted."""

    def __init__(self, client: Any, name: str, meter: Meter, **options: Any) -> None:
        super().__init__(client, name, **options)
        self._meter = meter

    @override
    def item(self, key: TaskKey) -> Item | None:
        item = super().item(key)
        self._note_read(key.pk, key.sk, [item] if item else [])
        return item

    @override
    def page(self, condition: str, values: Mapping[str, Any], **options: Any) -> tuple[list[Item], Item | None]:
        items, last = super().page(condition, values, **options)
        if pk := values.get(":pk"):  # a task's chunks; a list of tasks is read for none of them
            self._note_read(pk, "", items)
        return items, last

    @override
    def batch_get(self, keys: Sequence[TaskKey], **options: Any) -> dict[TaskKey, Item]:
        found = super().batch_get(keys, **options)
        if options.get("ConsistentRead"):
            for key in keys:
                self._note_read(key.pk, key.sk, [found[key]] if key in found else [])
        return found

    @override
    def put(self, put: Put) -> Item:
        with self._recording([put]) as [recorded]:
            return super().put(recorded)

    @override
    def put_all(self, puts: Sequence[Put]) -> list[Item]:
        """The last one is a task, and has what all have used."""
        with self._recording(puts, TRANSACTION_UNITS) as recorded:
            return super().put_all(recorded)

    @override
    def update(self, update: Update) -> Item:
        return self._update(update, {})

    @override
    def update_task(self, update: Update, before: TaskEntity) -> TaskEntity:
        return TaskEntity.from_item(self._update(update, before.to_item()))

    def _update(self, update: Update, before: Item) -> Item:
        """The units of the write itself are those of the item as its writer knows it (``before``, empty: not at all).

        Where the item turns out to be another one, the invocation's next write puts them right.
        """
        code = task_code_of(update.pk, update.sk)
        if code is None:
            return super().update(update)
        with self._meter.recording(code) as unrecorded:
            known = with_usage(update, unrecorded)
            units = _units(before, known.applied_to(before))
            recorded = with_usage(known, Usage(write_units=units))
            item = super().update(recorded)
        if item != recorded.applied_to(before):
            self._meter.note(Usage(write_units=_units(before, item) - units), code)
        return item

    @contextmanager
    def _recording(self, puts: Sequence[Put], times: int = 1) -> Iterator[list[Put]]:
        """The puts, the last one with what is unrecorded of its task, and with what all of them take."""
        *others, last = puts
        code = task_code_of(last.pk, last.sk)
        if code is None:
            yield [*puts]
            return
        # The plan that writes a chunk has a write of its own, which records what the plan has used.
        with self._meter.recording(code, alone=last.pk.startswith(CHUNKS)) as unrecorded:
            last = with_usage(last, unrecorded)
            units = times * sum(write_units({}, put.item) for put in (*others, last))
            yield [*others, with_usage(last, Usage(write_units=units))]

    def _note_read(self, pk: str, sk: str, items: Sequence[Item]) -> None:
        self._meter.note(Usage(read_units=read_units(items)), task_code_of(pk, sk) or SHARED)


def with_usage(write: Write, usage: Usage) -> Write:
    """The write, which adds this usage as well. An amount that an update sets is increased in what it is set to."""
    amounts = usage.to_item()
    if isinstance(write, Put):
        sums = {path: write.item.get(path, 0) + added for path, added in amounts.items()}
        return replace(write, item={**write.item, **sums})
    sets = {path: value + amounts.get(path, 0) if path in amounts else value for path, value in write.set.items()}
    counts = {path: write.count.get(path, 0) + added for path, added in amounts.items() if path not in write.set}
    return replace(write, set=sets, count={**write.count, **counts})


def _units(before: Item, after: Item) -> int:
    """Of an update. An item that its writer does not know counts as large as after it, with its index entries."""
    return write_units(before or after, after)
