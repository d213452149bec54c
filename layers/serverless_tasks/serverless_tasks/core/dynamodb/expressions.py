"""Writes as values: an :class:`Update` says what it sets and what it expects, and renders to DynamoDB's expressions.

A condition is a tuple of clauses, each a value too, so that a log line and a test can speak of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import Item

Path = str
"""Attribute, or ``attribute.key`` inside a map. Segments need no escaping: each gets a placeholder."""


TEMPLATES = {
    "equals": "{path} = {value}",
    "exists": "attribute_exists({path})",
    "absent": "attribute_not_exists({path})",
    "absent or at most": "(attribute_not_exists({path}) OR {path} <= {value})",
    "lacks": "NOT contains({path}, {value})",
}
"""DynamoDB's text of each operator. To ``lacks``, an absent set lacks everything."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a condition: ``status equals CREATED``."""

    path: Path
    operator: str
    value: Any = None

    @property
    def takes_value(self) -> bool:
        """Whether the operator compares with a value."""
        return "{value}" in TEMPLATES[self.operator]

    def __str__(self) -> str:
        return f"{self.path} {self.operator}" + (f" {self.value}" if self.takes_value else "")


def equals(path: Path, value: Any) -> Clause:
    """The attribute has this value."""
    return Clause(path, "equals", value)


def exists(path: Path) -> Clause:
    """The attribute is there."""
    return Clause(path, "exists")


def absent(path: Path) -> Clause:
    """The attribute is not there."""
    return Clause(path, "absent")


def absent_or_at_most(path: Path, value: Any) -> Clause:
    """The attribute is not there, or not above this value: a lease that is free, or that ran out."""
    return Clause(path, "absent or at most", value)


def lacks(path: Path, value: Any) -> Clause:
    """The set does not contain this value."""
    return Clause(path, "lacks", value)


@dataclass(frozen=True, slots=True)
class Update:
    """One conditional UpdateItem.

    ``set`` gives paths their values, ``set_once`` those that have none yet. ``increment`` adds to numbers that exist
    (``SET a.b = a.b + :n``; ADD works on top-level attributes only), ``count`` adds to a number that may be absent,
    ``add_to_set`` adds numbers to a set, ``remove`` takes attributes away. Never empty: every write changes something.
    """

    pk: str
    sk: str
    conditions: tuple[Clause, ...]
    set: Mapping[Path, Any] = field(default_factory=dict)
    set_once: Mapping[Path, Any] = field(default_factory=dict)
    increment: Mapping[Path, int] = field(default_factory=dict)
    count: Mapping[Path, int] = field(default_factory=dict)
    add_to_set: Mapping[Path, frozenset[int]] = field(default_factory=dict)
    remove: tuple[Path, ...] = ()

    def applied_to(self, item: Item) -> Item:
        """The item as it is after this update: a new one, which shares the values that do not change."""
        after = {"pk": self.pk, "sk": self.sk, **item}
        for path in self.remove:
            parent, name = _parent(after, path)
            parent.pop(name, None)
        for path, value in self.set.items():
            parent, name = _parent(after, path)
            parent[name] = value
        for path, value in self.set_once.items():
            parent, name = _parent(after, path)
            parent.setdefault(name, value)
        for path, number in self.increment.items():
            parent, name = _parent(after, path)
            parent[name] = read(item, path) + number
        for path, number in self.count.items():
            after[path] = item.get(path, 0) + number
        for path, numbers in self.add_to_set.items():
            after[path] = frozenset(item.get(path, frozenset())) | numbers
        return after

    def is_in(self, item: Item) -> bool:
        """Whether the item is as this update leaves it, additions aside."""
        kept = all(read(item, path) == value for path, value in self.set.items())
        kept = kept and all(read(item, path) is not None for path in self.set_once)
        return kept and all(read(item, path) is None for path in self.remove)

    def render(self) -> dict[str, Any]:
        """Arguments of UpdateItem, values still plain (the table adapter types them)."""
        names = _Names()
        sets = [f"{names.path(p)} = {names.value(v)}" for p, v in self.set.items()]
        sets += [
            f"{names.path(p)} = if_not_exists({names.path(p)}, {names.value(v)})" for p, v in self.set_once.items()
        ]
        sets += [f"{names.path(p)} = {names.path(p)} + {names.value(n)}" for p, n in self.increment.items()]
        adds = [f"{names.path(p)} {names.value(v)}" for p, v in {**self.count, **self.add_to_set}.items()]
        removes = [names.path(p) for p in self.remove]
        sections = [("SET", sets), ("REMOVE", removes), ("ADD", adds)]
        return {
            "Key": {"pk": self.pk, "sk": self.sk},
            "UpdateExpression": " ".join(f"{word} {', '.join(parts)}" for word, parts in sections if parts),
            "ConditionExpression": names.condition(self.conditions),
            **names.rendered(),
        }


@dataclass(frozen=True, slots=True)
class Put:
    """One PutItem, by default of an item that must not be there yet."""

    item: Item
    conditions: tuple[Clause, ...] = (absent("pk"),)

    @property
    def pk(self) -> str:
        """The item's partition."""
        return str(self.item["pk"])

    @property
    def sk(self) -> str:
        """The item's sort key."""
        return str(self.item["sk"])

    def render(self) -> dict[str, Any]:
        """Arguments of PutItem, values still plain."""
        names = _Names()
        condition = names.condition(self.conditions)
        return {"Item": self.item, "ConditionExpression": condition, **names.rendered()}


def read(item: Item, path: Path) -> Any:
    """The value at a path, None where there is none."""
    value: Any = item
    for segment in path.split("."):
        value = value.get(segment) if isinstance(value, Mapping) else None
    return value


def _parent(item: Item, path: Path) -> tuple[Item, str]:
    """The map that holds the path's value, copied on the way, and the last name of the path."""
    *segments, name = path.split(".")
    for segment in segments:
        item[segment] = dict(item[segment])
        item = item[segment]
    return item, name


class _Names:
    """Hands out placeholders: ``#status`` for a name, ``:v0`` for a value."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def path(self, path: Path) -> str:
        placeholders = [f"#{segment}" for segment in path.split(".")]
        self._names.update(zip(placeholders, path.split("."), strict=True))
        return ".".join(placeholders)

    def value(self, value: Any) -> str:
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def condition(self, clauses: tuple[Clause, ...]) -> str:
        return " AND ".join(self._clause(clause) for clause in clauses)

    def _clause(self, clause: Clause) -> str:
        value = self.value(clause.value) if clause.takes_value else ""
        return TEMPLATES[clause.operator].format(path=self.path(clause.path), value=value)

    def rendered(self) -> dict[str, Any]:
        values = {"ExpressionAttributeValues": self._values} if self._values else {}
        return {"ExpressionAttributeNames": self._names, **values}
