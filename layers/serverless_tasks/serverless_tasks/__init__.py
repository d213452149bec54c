"""Serverless Tasks: long-running background work on AWS with status, progress, history and retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from serverless_tasks.core.context import TaskContext
from serverless_tasks.core.dispatch import event_handler
from serverless_tasks.core.entity import SubTaskEntity, TaskEntity
from serverless_tasks.core.errors import (
    AttemptTimeout,
    InvalidInput,
    InvalidResult,
    KeyReused,
    LostRace,
    MalformedMessage,
    NoHandler,
    PayloadInBucket,
    PayloadMissing,
    PermanentError,
    SubTasksFailed,
    TaskError,
    TaskNotFound,
    TaskOpen,
    TransitionRefused,
    WorkerLost,
)
from serverless_tasks.core.events import Event, StepFunctionTaskEvent, TaskEvent, TaskQueueEvent
from serverless_tasks.core.factories import EventFactory, TaskQueueEventFactory
from serverless_tasks.core.keys import TaskKey
from serverless_tasks.core.outcomes import Outcome
from serverless_tasks.core.retry import Backoff
from serverless_tasks.core.status import TaskKind, TaskStatus
from serverless_tasks.core.task_type import TaskType

if TYPE_CHECKING:
    from serverless_tasks.core.chunk_summary import ChunkSummary
    from serverless_tasks.core.uploads import Upload
    from serverless_tasks.creation import Caller
    from serverless_tasks.results import ResultLink, ResultLinks
    from serverless_tasks.service import TaskService
    from serverless_tasks.task_lists import Page, TaskQuery

__all__ = [
    "AttemptTimeout",
    "Backoff",
    "Caller",
    "ChunkSummary",
    "Event",
    "EventFactory",
    "InvalidInput",
    "InvalidResult",
    "KeyReused",
    "LostRace",
    "MalformedMessage",
    "NoHandler",
    "Outcome",
    "Page",
    "PayloadInBucket",
    "PayloadMissing",
    "PermanentError",
    "ResultLink",
    "ResultLinks",
    "StepFunctionTaskEvent",
    "SubTaskEntity",
    "SubTasksFailed",
    "TaskContext",
    "TaskEntity",
    "TaskError",
    "TaskEvent",
    "TaskKey",
    "TaskKind",
    "TaskNotFound",
    "TaskOpen",
    "TaskQuery",
    "TaskQueueEvent",
    "TaskQueueEventFactory",
    "TaskService",
    "TaskStatus",
    "TaskType",
    "TransitionRefused",
    "Upload",
    "WorkerLost",
    "event_handler",
]

_OF_THE_SERVICE = {
    "TaskService": "service",
    "Caller": "creation",
    "ChunkSummary": "core.chunk_summary",
    "Page": "task_lists",
    "TaskQuery": "task_lists",
    "ResultLink": "results",
    "ResultLinks": "results",
    "Upload": "core.uploads",
}


def __getattr__(name: str) -> Any:
    """Names that go with the service, which needs boto3, are imported when asked for: a task type does without."""
    if name not in _OF_THE_SERVICE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_OF_THE_SERVICE[name]}"), name)
