"""Finish: counts the outcomes of a Step Functions task, runs its fan-in and ends it."""

from collections.abc import Mapping
from typing import Any

from invocation import cloud, remaining_seconds, router
from serverless_tasks.adapters.log import logger
from serverless_tasks.workers.finisher import Finisher

finisher = Finisher(cloud, router)


@logger.inject_lambda_context
@cloud.metered
def handler(event: dict[str, Any], context: Any) -> Mapping[str, Any]:
    """The state's input in; out, to a lane, whether the task is left to the state machine."""
    return finisher.handle(event, remaining_seconds(context))
