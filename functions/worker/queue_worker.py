"""Queue worker: runs the handler of a single task."""

from typing import Any

from invocation import cloud, remaining_seconds, router
from serverless_tasks.adapters.log import logger
from serverless_tasks.workers.batches import work_off
from serverless_tasks.workers.queue_worker import QueueWorker

worker = QueueWorker(cloud, router)


@logger.inject_lambda_context
@cloud.metered
def handler(event: dict[str, Any], context: Any) -> Any:
    """An SQS batch in, the messages that must come back out."""
    remaining = remaining_seconds(context)
    return work_off(event["Records"], lambda record: worker.handle(record, remaining), lambda r: str(r["messageId"]))
