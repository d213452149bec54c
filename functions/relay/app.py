"""Relay: passes status changes from the table's stream on to queue, state machine and sinks."""

from collections.abc import Mapping
from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger
from serverless_tasks.workers.batches import partial_response
from serverless_tasks.workers.relay import Relay

THREADS = 8
"""Tasks of a batch whose updates are under way at once: at 512 MB more would only wait for the processor."""

cloud = Cloud.from_environment()
relay = Relay(cloud, threads=THREADS)


@logger.inject_lambda_context
@cloud.metered
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A stream batch in, the records that must be delivered again out."""
    return partial_response(relay.handle(event["Records"]), sequence_number)


def sequence_number(record: Mapping[str, Any]) -> str:
    """What the stream knows the record by."""
    return str(record.get("dynamodb", {}).get("SequenceNumber"))
