"""The one logger of the functions: a line of JSON per event, with the keys of the task on it."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey

NOT_LOGGED = {"service", "function_name", "function_memory_size", "function_arn", "location", "xray_trace_id"}
"""Keys that the library adds to each line in vain: the log group says the first four, a stack trace the location.
CloudWatch takes lines in by the byte, and they would be half of each."""
OF_SOME = {"cold_start"}
"""Keys that say nothing where they are false."""


class _Slim(LambdaPowertoolsFormatter):
    def serialize(self, log: dict[str, Any]) -> str:  # type: ignore[override]  # the library's type is narrower than its use
        left_out = NOT_LOGGED | {name for name in OF_SOME if not log.get(name)}
        return super().serialize({name: value for name, value in log.items() if name not in left_out})


# Lambda reads a line's level only beside a time by RFC 3339; else every line is INFO to it, and LogLevel=WARN drops all
# (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
logger = Logger(logger_formatter=_Slim(utc=True, use_rfc3339=True, serialize_stacktrace=False))


def task_keys(task: TaskEntity) -> dict[str, Any]:
    """Keys of every line about a task."""
    return {
        **key_keys(task.key),
        "status": task.status,
        "attempt": task.attempt,
        "run": task.run,
    }


def key_keys(key: TaskKey) -> dict[str, Any]:
    """The part of :func:`task_keys` that a key holds, where the task itself is not at hand."""
    return {"taskId": str(key), "tenantCode": key.tenant_code, "taskType": key.task_type}
