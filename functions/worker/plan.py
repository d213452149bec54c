"""Plan: cuts a Step Functions task into chunks and names those that are due."""

from collections.abc import Mapping
from typing import Any

from invocation import cloud, remaining_seconds, router
from serverless_tasks.adapters.log import logger
from serverless_tasks.workers.planner import Planner

planner = Planner(cloud, router)


@logger.inject_lambda_context
@cloud.metered
def handler(event: dict[str, Any], context: Any) -> Mapping[str, Any]:
    """The state's input and the execution's ARN in, the next step out."""
    return planner.handle(event, remaining_seconds(context))
