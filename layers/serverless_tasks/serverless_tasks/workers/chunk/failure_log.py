"""Logs the failures of a chunk's sub-tasks: the first few whole, so that no chunk's log grows with its failures."""

from __future__ import annotations

from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.task.entity import TaskEntity

LOGGED_FAILURES = 5
"""Tracebacks that one worker logs of one chunk. Every failure stands in the outcome of its sub-task."""


class FailureLog:
    """Counts what it is told, and logs the first of it."""

    def __init__(self) -> None:
        self._told = 0

    def tell(self, task: TaskEntity, index: int) -> None:
        """The exception that is being handled, of the sub-task with this index."""
        self._told += 1
        if self._told > LOGGED_FAILURES:
            return
        last = {"furtherFailures": "in the outcomes only"} if self._told == LOGGED_FAILURES else {}
        logger.exception("a sub-task failed", extra={**task_keys(task), "index": index, **last})
