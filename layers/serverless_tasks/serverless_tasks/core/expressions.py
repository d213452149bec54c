"""Writes as values: an :class:`Update` says what it sets and what it expects, and renders to DynamoDB's expressions.

Every clause of a condition has a name, so that a reader, a log line and a test can speak of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from serverless_tasks.core.attribute_values import Item

Path = str
"""Attribute, or ``attribute.key`` inside a map. Segments need no escaping: each gets a placeholder."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a condition: ``template`` has ``{0}`` for the first path and ``{v0}`` for the first value."""

    name: str
    template: str
    paths: tuple[Path, ...]
    values: tuple[Any, ...] = ()


def equals(path: Path, value: Any, name: str = "") -> Clause:
    """The attribute has this value."""
    return Clause(name or f"expected {path}", "{0} = {v0}", (path,), (value,))


def exists(path: Path) -> Clause:
    """The attribute is there."""
    return Clause(f"{path} exists", "attribute_exists({0})", (path,))


def absent(path: Path) -> Clause:
    """The attribute is not there."""
    return Clause(f"{path} absent", "attribute_not_exists({0})", (path,))


def absent_or_at_most(path: Path, value: Any) -> Clause:
    """The attribute is not there, or not above this value: a lease that nobody holds, or that ran out."""
    return Clause(f"{path} absent or past", "(attribute_not_exists({0}) OR {0} <= {v0})", (path,), (value,))


def contains_not(path: Path, value: Any) -> Clause:
    """The set does not contain this value (also true when there is no set)."""
    return Clause(f"{path} lacks value", "NOT contains({0}, {v0})", (path,), (value,))


@dataclass(frozen=True, slots=True)
class Update:
    """One conditional UpdateItem.

    ``set`` gives paths their values, ``increment`` adds to numbers that exist (``SET a.b = a.b + :n``; ADD works on
    top-level attributes only), ``count`` adds to a number that may be absent, ``add_to_set`` adds numbers to a set,
    ``remove`` takes attributes away. Never empty: every write sets something.
    """

    pk: str
    sk: str
    conditions: tuple[Clause, ...]
    set: Mapping[Path, Any] = field(default_factory=dict)
    increment: Mapping[Path, int] = field(default_factory=dict)
    count: Mapping[Path, int] = field(default_factory=dict)
    add_to_set: Mapping[Path, frozenset[int]] = field(default_factory=dict)
    remove: tuple[Path, ...] = ()

    def render(self) -> dict[str, Any]:
        """Arguments of UpdateItem, values still plain (the table adapter types them)."""
        names = _Names()
        sets = [f"{names.path(p)} = {names.value(v)}" for p, v in self.set.items()]
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
    """One PutItem of an item that must not be there yet."""

    item: Item

    def render(self) -> dict[str, Any]:
        """Arguments of PutItem, values still plain."""
        names = _Names()
        condition = names.condition((absent("pk"),))
        return {"Item": self.item, "ConditionExpression": condition, **names.rendered()}


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
        paths = [self.path(path) for path in clause.paths]
        values = {f"v{n}": self.value(value) for n, value in enumerate(clause.values)}
        return clause.template.format(*paths, **values)

    def rendered(self) -> dict[str, Any]:
        values = {"ExpressionAttributeValues": self._values} if self._values else {}
        return {"ExpressionAttributeNames": self._names, **values}
