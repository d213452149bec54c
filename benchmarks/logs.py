"""Bytes of log that the functions write: CloudWatch bills them by the gigabyte."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch

from serverless_tasks.adapters.log import logger

from tests.support.resources import TEMPLATE

LINE_OVERHEAD = 26
"""Bytes that CloudWatch adds to each event when it counts
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html)."""
START_AND_REPORT = 132 + 230 + 2 * LINE_OVERHEAD
"""Of Lambda's own two lines per invocation, ``platform.start`` and ``platform.report``, by the samples in
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-formats.html."""

_OF_LAMBDA = {
    "cold_start": False,
    "function_name": "serverless-tasks-prod-QueueFunction-a1B2c3D4e5F6",
    "function_memory_size": "512",
    "function_arn": "arn:aws:lambda:us-east-1:123456789012:function:serverless-tasks-prod-QueueFunction-a1B2c3D4e5F6",
    "function_request_id": "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa",
}
"""Facts of an invocation for the logger, as long as on AWS …"""
_TRACE = {"_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"}
"""… and these, from the environment. The logger chooses among them."""


def platform_bytes() -> int:
    """Of Lambda's own lines about a good invocation, at the template's level."""
    asked = TEMPLATE["Globals"]["Function"]["LoggingConfig"]["SystemLogLevel"]["Ref"]
    return 0 if TEMPLATE["Parameters"][asked]["Default"] == "WARN" else START_AND_REPORT


def log_request() -> None:
    """Write the HTTP API's line for a request that creates a task (``functions/api/app.py``)."""
    request = {"method": "POST", "path": "/tasks", "statusCode": 201, "requestId": "JKJaXmPLvHcESHA="}
    logger.info("request", extra=request)


class _Counting:
    """A stream that keeps only lengths."""

    def __init__(self, current: Callable[[], str]) -> None:
        self.bytes: Counter[str] = Counter()
        self._current = current

    def write(self, text: str) -> int:
        """Count a line, which comes with its end."""
        self.bytes[self._current()] += len(text.encode()) + LINE_OVERHEAD
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


@contextmanager
def counted(current: Callable[[], str]) -> Iterator[Counter[str]]:
    """Bytes of the lines written inside, by the value of ``current`` at the time; the lines are dropped."""
    handler = cast("Any", logger.registered_handler)
    stream = _Counting(current)
    before = handler.setStream(stream)
    logger.append_keys(**_OF_LAMBDA)
    try:
        with patch.dict(os.environ, _TRACE):
            yield stream.bytes
    finally:
        logger.remove_keys(list(_OF_LAMBDA))
        handler.setStream(before)
