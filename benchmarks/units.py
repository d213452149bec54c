"""DynamoDB's own arithmetic: bytes of an item, and the units that a request takes.

The local engine and moto answer other read units, and moto other write units, so they are computed here from the items.
Rules: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html,
…/read-write-operations.html and, for indexes, …/GSI.html.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Image = Mapping[str, Mapping[str, Any]]
"""An item with DynamoDB's types: ``{"status": {"S": "CREATED"}}``."""

WRITE_BYTES = 1024
READ_BYTES = 4096
_NESTED = 3
_ELEMENT = 1


def item_size(image: Image) -> int:
    """Bytes of an item: its attributes' names and values."""
    return sum(len(name.encode()) + value_size(value) for name, value in image.items())


def value_size(typed: Mapping[str, Any]) -> int:
    """Bytes of one value."""
    [(kind, value)] = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_size(value)
        case "BOOL" | "NULL":
            return 1
        case "B":
            return len(value)
        case "NS":
            return sum(_number_size(number) for number in value)
        case "SS":
            return sum(len(text.encode()) for text in value)
        case "L":
            return _NESTED + sum(_ELEMENT + value_size(element) for element in value)
        case "M":
            return _NESTED + sum(_ELEMENT + len(name.encode()) + value_size(inner) for name, inner in value.items())
        case _:
            raise ValueError(f"unexpected DynamoDB type {kind}")


def _number_size(text: str) -> int:
    """About a byte for two significant digits, one more, and one for a sign."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


@dataclass(frozen=True)
class Index:
    """A global secondary index that holds keys only."""

    hash_key: str
    range_key: str

    def key_of(self, image: Image | None) -> tuple[Any, Any] | None:
        """Where the item stands in the index, or None where it does not."""
        if image is None or self.hash_key not in image or self.range_key not in image:
            return None
        return image[self.hash_key]["S"], image[self.range_key]["S"]

    def write_units(self, before: Image | None, after: Image | None) -> int:
        """A new entry and a removed one are a write each, and a moved one is both."""
        old, new = self.key_of(before), self.key_of(after)
        return 0 if old == new else (old is not None) + (new is not None)


def indexes_of(table: Mapping[str, Any]) -> tuple[Index, ...]:
    """The indexes of a table's properties in the template."""
    found = []
    for index in table.get("GlobalSecondaryIndexes", ()):
        if index["Projection"]["ProjectionType"] != "KEYS_ONLY":
            raise ValueError(f"index {index['IndexName']} projects more than keys, which is not counted here")
        names = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
        found.append(Index(names["HASH"], names["RANGE"]))
    return tuple(found)


def write_units(before: Image | None, after: Image | None) -> int:
    """Of one write to the table, by the larger of the item before and after. One that was refused has no ``after``."""
    largest = max((item_size(image) for image in (before, after) if image), default=0)
    return max(1, -(-largest // WRITE_BYTES))


def read_units(items: Sequence[Image], *, consistent: bool) -> float:
    """Of a GetItem, or of one page of a Query, whose items are added up first."""
    units = max(1, -(-sum(map(item_size, items)) // READ_BYTES))
    return units if consistent else units / 2
