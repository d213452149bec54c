"""Queue worker: runs the handler of a single task."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from invocation import cloud, dispatcher, remaining_seconds
from serverless_tasks.workers.log import logger
from serverless_tasks.workers.queue_worker import QueueWorker

worker = QueueWorker(cloud, dispatcher)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """An SQS batch in, the messages that must come back out."""
    remaining = remaining_seconds(context)
    return process_partial_response(
        event=event,
        record_handler=lambda record: worker.handle(record.raw_event, remaining),
        processor=BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
        context=context,
    )
