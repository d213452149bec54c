"""Messages on the wire (``docs/messages.md``). Keys, never payloads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serverless_tasks.core.errors import MalformedMessage
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import SEPARATOR, TaskKey, is_code, is_name
from serverless_tasks.core.task.status import TaskKind
from serverless_tasks.core.task.views import attributes_view

VERSION = 1


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """What the task queue carries."""

    key: TaskKey
    run: int


def task_message(task: TaskEntity) -> dict[str, Any]:
    """The message that dispatches a single task."""
    return {
        "v": VERSION,
        "action": "task-execute",
        "pk": task.pk,
        "sk": task.sk,
        "kind": task.kind,
        "tenantCode": task.tenant_code,
        "taskType": task.type,
        "run": task.run,
    }


def parse_task_message(body: str) -> TaskMessage:
    """Raises :class:`MalformedMessage` with the reason."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedMessage("the body is not JSON") from None
    if not isinstance(message, dict):
        raise MalformedMessage("the body is not a JSON object")
    _check(message.get("v") in range(1, VERSION + 1), f"v must be 1 to {VERSION}")
    _check(message.get("action") == "task-execute", "action must be 'task-execute'")
    run = message.get("run")
    _check(isinstance(run, int) and not isinstance(run, bool) and run >= 0, "run must be a number from 0")
    return TaskMessage(_task_key(message), message["run"])


def status_message(task: TaskEntity, table_name: str) -> dict[str, Any]:
    """What the status topic carries."""
    return {
        "action": "task-status",
        "pk": task.pk,
        "sk": task.sk,
        "table": table_name,
        "id": task.id,
        "tenantCode": task.tenant_code,
        "run": task.run,
        "version": task.version,
        "updatedAt": task.updated_at,
        "content": {"status": task.status, "attributes": attributes_view(task)},
    }


def status_message_attributes(task: TaskEntity) -> dict[str, str]:
    """What subscribers of the status topic can filter by."""
    return {"action": "task-status", "status": task.status, "kind": task.kind, "taskType": task.type}


def status_subject(task: TaskEntity) -> str:
    """What a mail about the status is headed: ASCII of less than 100 characters (SNS API reference, Publish)."""
    return f"{task.status}: {task.type} of {task.tenant_code}"[:99]


def status_event(task: TaskEntity, table_name: str) -> dict[str, Any]:
    """The detail of an event: the status message, and what rules could not filter by without message attributes."""
    return {**status_message(task, table_name), "kind": task.kind, "taskType": task.type}


def alarm_message(task: TaskEntity, error_message: str, table_name: str) -> dict[str, Any]:
    """What the alarm topic carries when a task ends FAILED."""
    return {
        "action": "sfn-alarm",
        "id": task.id,
        "table": table_name,
        "pk": task.pk,
        "sk": task.sk,
        "tenantCode": task.tenant_code,
        "content": {"errorMessage": error_message},
    }


def alarm_text(task: TaskEntity) -> str:
    """What the alarm of a failed task says."""
    error = task.error or {}
    return f"{error.get('type', 'Error')}: {error.get('message', '')}"


def _task_key(message: Mapping[str, Any]) -> TaskKey:
    """Checked in full: DynamoDB refuses a key that is too long, and the message would come back for 14 days."""
    pk, sk = str(message.get("pk")), str(message.get("sk"))
    kind, _, tenant_code = pk.partition(SEPARATOR)
    task_type, _, code = sk.partition(SEPARATOR)
    _check(kind == TaskKind.TASK and is_name(tenant_code), "pk must be the key of a single task")
    _check(is_name(task_type) and is_code(code), "sk must be <taskType>#<ULID>")
    return TaskKey(pk, sk)


def _check(condition: bool, problem: str) -> None:
    if not condition:
        raise MalformedMessage(problem)
