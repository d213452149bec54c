"""Sweeper: looks after tasks that are open past their time."""

from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.workers.log import logger
from serverless_tasks.workers.sweeper import Sweeper

sweeper = Sweeper(Cloud.from_environment())


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """A schedule's event in, how many tasks were looked at out."""
    return {"looked": sweeper.handle(lambda: context.get_remaining_time_in_millis() / 1000)}
