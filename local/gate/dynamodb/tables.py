"""Key schemas, as far as they decide what a request may say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Index:
    """Its keys, partition first, and the attributes that it projects; None: all."""

    keys: tuple[str, ...]
    attributes: frozenset[str] | None = None
    is_global: bool = True


@dataclass(frozen=True)
class Table:
    """Keys of a table, partition first, and its indexes by name."""

    keys: tuple[str, ...]
    indexes: Mapping[str, Index] = field(default_factory=dict)

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> "Table":
        """From an answer of DescribeTable, or from the same properties of a template."""
        keys = _keys(description)
        indexes = {
            each["IndexName"]: Index(_keys(each), _projected(each, keys), is_global)
            for name, is_global in (("GlobalSecondaryIndexes", True), ("LocalSecondaryIndexes", False))
            for each in description.get(name) or ()
        }
        return cls(keys, indexes)

    @property
    def indexed(self) -> frozenset[str]:
        """Attributes that are keys of an index."""
        return frozenset(key for index in self.indexes.values() for key in index.keys) - set(self.keys)


def partition_keys(tables: Mapping[str, Table]) -> dict[str, str]:
    """The partition key of each table and index, which is called ``table/index/name``."""
    found = {name: table.keys[0] for name, table in tables.items()}
    for name, table in tables.items():
        found |= {f"{name}/index/{index}": given.keys[0] for index, given in table.indexes.items()}
    return found


def shortened(description: Mapping[str, Any]) -> dict[str, Any]:
    """What :meth:`Table.of` reads of a description."""
    names = ("KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    kept = {name: description[name] for name in names if description.get(name)}
    of_index = ("IndexName", "KeySchema", "Projection")
    return {
        name: value if name == "KeySchema" else [{key: each[key] for key in of_index} for each in value]
        for name, value in kept.items()
    }


def _keys(described: Mapping[str, Any]) -> tuple[str, ...]:
    schema = sorted(described["KeySchema"], key=lambda key: str(key["KeyType"]))  # HASH comes before RANGE
    return tuple(key["AttributeName"] for key in schema)


def _projected(index: Mapping[str, Any], table_keys: tuple[str, ...]) -> frozenset[str] | None:
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return None
    return frozenset({*table_keys, *_keys(index), *projection.get("NonKeyAttributes", ())})
