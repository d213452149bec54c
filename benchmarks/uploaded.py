"""A Step Functions task of an upload: no element passes through the creator."""

from collections.abc import Iterable
from typing import Any

from serverless_tasks import TaskService
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.payloads import JSON_LINES
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.times import Clock

TENANT = "bench"


def elements(count: int) -> Iterable[dict[str, Any]]:
    """Input elements like the one in the followed module's own example."""
    return ({"key": f"value{number}"} for number in range(count))


def json_lines(count: int) -> str:
    """The same as JSON Lines."""
    return "".join(f'{{"key":"value{number}"}}\n' for number in range(count))


def create(cloud: Cloud, clock: Clock, task_type: str, count: int) -> TaskEntity:
    """Upload ``count`` elements and create the task of them."""
    service = TaskService(cloud, clock)
    upload = service.create_upload(TENANT)
    cloud.payloads.put(upload.input_ref, json_lines(count), JSON_LINES)
    return service.create_step_function_task(TENANT, task_type, input_ref=upload.input_ref)
