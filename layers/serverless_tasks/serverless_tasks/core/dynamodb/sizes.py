"""DynamoDB's own arithmetic: bytes of an item, and the units that a request takes.

Rules: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html,
…/read-write-operations.html and, for indexes, …/GSI.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import Item

WRITE_BYTES = 1024
READ_BYTES = 4096
Keys = tuple[str, str]
"""Partition key and sort key of an index."""
INDEXES: tuple[Keys, ...] = (("tenantCode", "code"), ("attention", "dueAt"))
"""Keys of the table's indexes, ``by_tenant`` and ``attention``. Both hold keys only, so that an entry is below 1 KB."""
_NESTED = 3
"""Bytes of a list or map as such."""
_ELEMENT = 1
"""Bytes of each element on top."""


def item_size(item: Mapping[str, Any]) -> int:
    """Bytes of an item with plain values: its attributes' names and values."""
    return sum(map(_text_size, item)) + sum(map(_value_size, item.values()))


def write_units(before: Item, after: Item) -> int:
    """Units of one write, indexes included. An item that is not there is empty."""
    return item_units(before, after) + index_units(before, after)


def item_units(before: Item, after: Item) -> int:
    """Units of one write without indexes, by the larger of the item before and after."""
    return _begun(max(item_size(before), item_size(after)), WRITE_BYTES)


def index_units(before: Item, after: Item, indexes: Iterable[Keys] = INDEXES) -> int:
    """Units of one write in indexes alone: a new entry and a removed one are a write each, and a moved one is both."""
    entries = [(_entry(before, keys), _entry(after, keys)) for keys in indexes]
    return sum((old is not None) + (new is not None) for old, new in entries if old != new)


def refused_units(found: Item | None) -> int:
    """Units of a write whose condition did not hold: they are billed by what was there."""
    return _begun(item_size(found or {}), WRITE_BYTES)


def read_units(items: Iterable[Item]) -> int:
    """Units of a strongly consistent GetItem, or of one page of a Query, whose items are added up first."""
    return _begun(sum(item_size(item) for item in items), READ_BYTES)


def _begun(size: int, step: int) -> int:
    return max(1, -(-size // step))


def _entry(item: Item, keys: Keys) -> tuple[Any, ...] | None:
    return tuple(item[key] for key in keys) if all(key in item for key in keys) else None


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _value_size(value: Any) -> int:
    # In the order of how often it is so: every write is sized, and a match statement takes twice the time.
    if isinstance(value, str):
        return _text_size(value)
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, (int, float)):
        return _number_size(value)
    if isinstance(value, Mapping):
        return _NESTED + item_size(value) + _ELEMENT * len(value)
    if isinstance(value, (list, tuple)):
        return _NESTED + sum(map(_value_size, value)) + _ELEMENT * len(value)
    return sum(map(_number_size, value))  # a set of numbers, the only kind that items hold


def _number_size(number: float) -> int:
    """About a byte for two significant digits, one more, and one for a sign."""
    text = int.__repr__(number) if isinstance(number, int) else float.__repr__(number).partition("e")[0]
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + (number < 0)
