"""Relay: passes status changes from the table's stream on to queue, state machine and topics."""

from collections.abc import Mapping
from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.workers.batches import work_off
from serverless_tasks.workers.log import logger
from serverless_tasks.workers.relay import Relay

THREADS = 8
"""Records at once. Each waits for two calls; a tenant's tasks all come through one partition of the stream."""

cloud = Cloud.from_environment()
relay = Relay(cloud)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """A stream batch in, the records that must be delivered again out."""
    cloud.meter.begin(context.memory_limit_in_mb)
    return work_off(event["Records"], relay.handle, sequence_number, item_key, THREADS)


def sequence_number(record: Mapping[str, Any]) -> str:
    """What the stream knows the record by."""
    return str(record.get("dynamodb", {}).get("SequenceNumber"))


def item_key(record: Mapping[str, Any]) -> str:
    """The item that changed."""
    return str(record.get("dynamodb", {}).get("Keys"))
