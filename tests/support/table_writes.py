"""What the writes of moto's table cost, by the layer's arithmetic."""

from collections.abc import Iterator

from serverless_tasks.core.dynamodb.attribute_values import Item, decode_item

from tests.support.clients import driver_client
from tests.support.resources import Resources

Write = tuple[Item, Item]
"""The item before and after; empty where it is not there."""


def writes(resources: Resources) -> Iterator[Write]:
    """Every write of the table so far, as its stream shows them."""
    client, arn = driver_client("dynamodbstreams"), resources.stream_arn
    [shard] = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = client.get_shard_iterator(**place)["ShardIterator"]
    for record in client.get_records(ShardIterator=iterator)["Records"]:
        yield decode_item(record["dynamodb"].get("OldImage", {})), decode_item(record["dynamodb"].get("NewImage", {}))
