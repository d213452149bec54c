"""Relay: passes status changes from the table's stream on to queue, state machine and topics."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.workers.log import logger
from serverless_tasks.workers.relay import Relay

relay = Relay(Cloud.from_environment())


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """A stream batch in, the first record that must be delivered again out."""
    return process_partial_response(
        event=event,
        record_handler=lambda record: relay.handle(record.raw_event),
        processor=BatchProcessor(EventType.DynamoDBStreams, raise_on_entire_batch_failure=False),
        context=context,
    )
