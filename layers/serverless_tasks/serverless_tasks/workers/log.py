"""The one logger of the functions: a line of JSON per event, with the keys of the task on it."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from serverless_tasks.core.entity import TaskEntity

logger = Logger()


def task_keys(task: TaskEntity) -> dict[str, Any]:
    """What every line about a task says."""
    return {
        "taskId": task.id,
        "tenantCode": task.tenant_code,
        "taskType": task.type,
        "status": task.status,
        "attempt": task.attempt,
        "run": task.run,
    }
