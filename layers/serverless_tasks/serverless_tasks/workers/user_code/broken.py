"""What the queue worker does where the fork's code cannot be imported: its messages come back soon.

Nothing is imported at their receipt then, so nothing would shorten the queue's own visibility, 90 minutes: that long
the tasks of a mended deployment would wait.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger
from serverless_tasks.adapters.queue import TaskQueue, is_worn_out
from serverless_tasks.core.task_types.failures import describe, reason

RETURN_SECONDS = 45
"""After which a message is back: with Lambda's own pause a mended deployment has it within a minute."""
IMPORT_SECONDS = 60.0
"""How long a process stands in before another one imports the code anew: what failed may have been a call of AWS."""


def messages_come_back(
    error: BaseException,
    queue: TaskQueue | None = None,
    ticks: Callable[[], float] = time.monotonic,
    leave: Callable[[int], object] = os._exit,
) -> Callable[[dict[str, Any], Any], Any]:
    """A handler that fails as the import did, after it has hidden its messages for less than a minute."""
    from serverless_tasks.workers.user_code.deadlines import readable

    failed_at, error = ticks(), readable(error)

    def handler(event: dict[str, Any], context: Any) -> Any:
        logger.error("the code of the worker cannot be imported; its messages come back", exc_info=error)
        taken = queue or Cloud.from_environment().queue
        records = event["Records"]
        for record in records:
            try:
                taken.hide(record, RETURN_SECONDS)
            except Exception:  # it comes back when the queue's own visibility ends
                logger.exception("a message could not be hidden for less", extra={"messageId": record.get("messageId")})
        if records and all(map(is_worn_out, records)):
            return {"batchItemFailures": []}  # the sweeper sends others, which SQS has not delivered so often
        if ticks() - failed_at > IMPORT_SECONDS:
            sys.stdout.flush()
            leave(1)
        raise RuntimeError(f"the code of the worker cannot be imported: {reason(describe(error))}") from error

    return handler
