"""What a write costs: sizes of items and write units, by DynamoDB's rules.

Developer guide, "DynamoDB item sizes and formats" and "Read and write capacity": names and texts count in UTF-8, a
number a byte for each two digits and one more, a map or list three bytes and one for each element. A write takes a unit
for each started KB of the larger image, and so does each index whose entry is new, gone, or (twice) another.
"""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tests.support.clients import driver_client
from tests.support.resources import Resources, properties

Image = Mapping[str, Any]
Write = tuple[Image | None, Image | None]
"""The item before and after."""


def item_size(image: Image) -> int:
    """Bytes of a typed item."""
    return sum(len(name.encode()) + _size(value) for name, value in image.items())


def write_units(write: Write) -> int:
    """Units of one write, indexes included."""
    before, after = write
    units = _units(max(item_size(image) for image in write if image))
    for names in _index_entries():
        old, new = _entry(before, names), _entry(after, names)
        if old != new:
            units += sum(_units(item_size(entry)) for entry in (old, new) if entry)
    return units


def writes(resources: Resources) -> Iterator[Write]:
    """Every write of the table so far, as its stream shows them."""
    client, arn = driver_client("dynamodbstreams"), resources.stream_arn
    [shard] = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = client.get_shard_iterator(**place)["ShardIterator"]
    for record in client.get_records(ShardIterator=iterator)["Records"]:
        yield record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")


def _index_entries() -> list[set[str]]:
    """The attributes of each index's entries: all are KEYS_ONLY."""
    table = properties("TasksTable")
    keys = {key["AttributeName"] for key in table["KeySchema"]}
    found = []
    for index in table["GlobalSecondaryIndexes"]:
        if index["Projection"] != {"ProjectionType": "KEYS_ONLY"}:
            raise NotImplementedError(index["IndexName"])
        found.append(keys | {key["AttributeName"] for key in index["KeySchema"]})
    return found


def _entry(image: Image | None, names: set[str]) -> Image | None:
    entry = {name: image[name] for name in names if name in image} if image else {}
    return entry if len(entry) == len(names) else None


def _units(size: int) -> int:
    return math.ceil(size / 1024)


def _size(typed: Mapping[str, Any]) -> int:
    [(kind, value)] = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_size(value)
        case "NS":
            return sum(_number_size(number) for number in value)
        case "M":
            return 3 + item_size(value) + len(value)
        case "L":
            return 3 + sum(1 + _size(element) for element in value)
        case "BOOL" | "NULL":
            return 1
    raise NotImplementedError(f"type {kind}")


def _number_size(text: str) -> int:
    number = Decimal(text).normalize()
    return (len(number.as_tuple().digits) + 1) // 2 + 1 + (number < 0)
