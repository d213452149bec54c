"""The layer's arithmetic of DynamoDB for items as a client sees them, with DynamoDB's types.

The local engine and moto answer other read units, and moto other write units, so they are computed from the items.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from serverless_tasks.core.dynamodb import sizes
from serverless_tasks.core.dynamodb.attribute_values import Item, decode_item

Image = Mapping[str, Mapping[str, Any]]
"""An item with DynamoDB's types: ``{"status": {"S": "CREATED"}}``."""

MESSAGE_BYTES = 65_536
"""SQS and SNS bill each begun 64 KB of a request as one (their pricing pages), a batch of ten messages, too."""


def indexes_of(table: Mapping[str, Any]) -> tuple[sizes.Keys, ...]:
    """The keys of the indexes of a table's properties in the template."""
    found = []
    for index in table.get("GlobalSecondaryIndexes", ()):
        if index["Projection"]["ProjectionType"] != "KEYS_ONLY":
            raise ValueError(f"index {index['IndexName']} projects more than keys, which is not counted")
        names = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
        found.append((names["HASH"], names["RANGE"]))
    return tuple(found)


def item_size(image: Image) -> int:
    """Bytes of an item."""
    return sizes.item_size(decode_item(image))


def write_units(before: Image | None, after: Image | None) -> int:
    """Of one write to the table itself. One that was refused has no ``after``."""
    return sizes.item_units(_plain(before), _plain(after))


def index_write_units(before: Image | None, after: Image | None, indexes: Sequence[sizes.Keys]) -> int:
    """Of one write to the indexes."""
    return sizes.index_units(_plain(before), _plain(after), indexes)


def read_units(items: Sequence[Image], *, consistent: bool) -> float:
    """Of a GetItem, or of one page of a Query."""
    units = sizes.read_units(map(decode_item, items))
    return units if consistent else units / 2


def _plain(image: Image | None) -> Item:
    return decode_item(image or {})


def message_requests(entries: Sequence[Mapping[str, Any]]) -> int:
    """Requests that are billed for one call with these messages, each with its attributes."""
    return max(1, -(-sum(map(_message_size, entries)) // MESSAGE_BYTES))


def _message_size(entry: Mapping[str, Any]) -> int:
    body = entry.get("MessageBody") or entry.get("Message") or ""
    attributes = entry.get("MessageAttributes", {}).items()
    typed = sum(len(f"{name}{value['DataType']}{value['StringValue']}".encode()) for name, value in attributes)
    return len(body.encode()) + typed
