"""Sweeper: looks after tasks that are open past their time."""

from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger
from serverless_tasks.workers.sweeper import Sweeper

cloud = Cloud.from_environment()
sweeper = Sweeper(cloud)


@logger.inject_lambda_context
@cloud.metered
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """A schedule's event in, how many tasks were looked at out."""
    return {"looked": sweeper.handle(lambda: context.get_remaining_time_in_millis() / 1000)}
