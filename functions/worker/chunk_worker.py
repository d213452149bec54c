"""Chunk worker: runs the sub-tasks of one chunk."""

from typing import Any

from invocation import cloud, remaining_seconds, router
from serverless_tasks.adapters.log import logger
from serverless_tasks.workers.chunk.run import ChunkWorker

worker = ChunkWorker(cloud, router)


@logger.inject_lambda_context
@cloud.metered
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A chunk's number in, nothing out: what a map collects counts against a state's size."""
    worker.handle(event, remaining_seconds(context))
    return {}
