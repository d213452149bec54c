"""The tasks table in memory, with the conditions and the stream of the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import Item, decode_item, encode_item
from serverless_tasks.core.dynamodb.expressions import Clause, Put, Update, read
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey, chunk_sk, chunks_pk
from serverless_tasks.core.task.status import RELAYED, TERMINAL, TaskKind, TaskStatus
from serverless_tasks.testing.queries import page, projected

HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda found, value: bool(found == value),
    "exists": lambda found, _: found is not None,
    "absent": lambda found, _: found is None,
    "absent or at most": lambda found, value: found is None or found <= value,
    "lacks": lambda found, value: found is None or value not in found,
}
"""What each operator of a clause means."""


class MemoryTable:
    """Stands in for ``TaskTable``. ``stream`` are the records that the relay's filter lets through, oldest first."""

    def __init__(self, relayed: frozenset[TaskStatus] = RELAYED | TERMINAL) -> None:
        self.name = "tasks"
        self._relayed = relayed
        self.items: dict[tuple[str, str], Item] = {}
        self.stream: list[dict[str, Any]] = []

    def get(self, key: TaskKey) -> TaskEntity | None:
        """The task, or None."""
        item = self.item(key)
        return TaskEntity.from_item(item) if item else None

    def put(self, put: Put) -> Item:
        """Write a new item and return it. Raises :class:`LostRace` when it is there already."""
        return self.put_all([put])[0]

    def put_all(self, puts: Sequence[Put]) -> list[Item]:
        """Write new items, all or none."""
        for put in puts:
            found = self.items.get((put.item["pk"], put.item["sk"]))
            if not all(_holds(clause, found) for clause in put.conditions):
                raise LostRace("the item exists", found and copied(found))
        for put in puts:
            self._store((put.item["pk"], put.item["sk"]), copied(put.item))
        return [copied(put.item) for put in puts]

    def item(self, key: TaskKey) -> Item | None:
        """Any item, or None."""
        found = self.items.get((key.pk, key.sk))
        return copied(found) if found else None

    def update(self, update: Update) -> Item:
        """Apply a conditional update and return the item as it is then. Raises :class:`LostRace`."""
        key = (update.pk, update.sk)
        found = self.items.get(key)
        broken = [clause for clause in update.conditions if not _holds(clause, found)]
        if broken:
            raise LostRace(f"not so: {broken[0]}", found and copied(found))
        self._store(key, update.applied_to(found or {}))
        return copied(self.items[key])

    def update_task(self, update: Update, before: TaskEntity) -> TaskEntity:
        """:meth:`update` of a task that its writer knows as ``before``."""
        return TaskEntity.from_item(self.update(update))

    def chunk(self, tenant_code: str, code: str, number: int) -> Chunk | None:
        """One chunk, or None."""
        item = self.item(TaskKey(chunks_pk(tenant_code, code), chunk_sk(number)))
        return Chunk.from_item(item) if item else None

    def chunks(self, tenant_code: str, code: str, first: int = 0) -> Iterator[Chunk]:
        """The chunks from number ``first`` on, in order."""
        pk = chunks_pk(tenant_code, code)
        for key in sorted(key for key in self.items if key[0] == pk and key[1] >= chunk_sk(first)):
            yield Chunk.from_item(copied(self.items[key]))

    def due(self, shard: str, until: str, limit: int) -> list[TaskKey]:
        """Keys of what stands in a shard and whose time has come, longest overdue first."""
        found = [i for i in self.items.values() if i.get("attention") == shard and i["dueAt"] <= until]
        found.sort(key=lambda item: str(item["dueAt"]))
        return [TaskKey(item["pk"], item["sk"]) for item in found[:limit]]

    def page(self, condition: str, values: Mapping[str, Any], **options: Any) -> tuple[list[Item], Item | None]:
        """One page of a query, and the key it ended at if there may be more."""
        items, last = page(self.items.values(), condition, values, options)
        return [copied(projected(item, options)) for item in items], last

    def batch_get(self, keys: Sequence[TaskKey], **options: Any) -> dict[TaskKey, Item]:
        """The items that exist, by key."""
        found = {key: self.items[key.pk, key.sk] for key in keys if (key.pk, key.sk) in self.items}
        return {key: copied(projected(item, options)) for key, item in found.items()}

    def _store(self, key: tuple[str, str], item: Item) -> None:
        item = decode_item(encode_item(item))  # as the real table gives it back: plain strings, no enums
        self.items[key] = item
        if item["kind"] in tuple(TaskKind) and item["change"] == "status" and item["status"] in self._relayed:
            self.stream.append({"eventName": "MODIFY", "dynamodb": {"NewImage": encode_item(item)}})


def copied(item: Item) -> Item:
    """A copy that shares nothing that can change. What items are made of is known, so it is quicker than deepcopy."""
    return {name: _copied(value) for name, value in item.items()}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return copied(value)
    if isinstance(value, list):
        return [_copied(inner) for inner in value]
    return set(value) if isinstance(value, set) else value


def _holds(clause: Clause, item: Item | None) -> bool:
    return HOLDS[clause.operator](read(item or {}, clause.path), clause.value)
