"""Queue worker: runs the handler of a single task."""

from collections.abc import Callable
from typing import Any

from serverless_tasks.adapters.log import logger
from serverless_tasks.workers.batches import work_off
from serverless_tasks.workers.queue_worker import QueueWorker


def _made() -> Callable[[dict[str, Any], Any], Any]:
    from invocation import cloud, remaining_seconds, router

    worker = QueueWorker(cloud, router)

    @logger.inject_lambda_context
    @cloud.metered
    def handler(event: dict[str, Any], context: Any) -> Any:
        """An SQS batch in, the messages that must come back out."""
        records, remaining = event["Records"], remaining_seconds(context)
        return work_off(records, lambda record: worker.handle(record, remaining), lambda r: str(r["messageId"]))

    return handler


try:
    handler = _made()
except BaseException as error:  # of the fork's code, which may do anything at its import
    from serverless_tasks.workers.user_code.broken import messages_come_back

    handler = messages_come_back(error)
