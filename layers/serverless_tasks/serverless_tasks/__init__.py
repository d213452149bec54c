"""Serverless Tasks: long-running background work on AWS with status, progress, history and retries.

Every name is imported when it is first asked for: no start of a function pays for names that it does not use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serverless_tasks.classic.event_classes import EventFactory, TaskQueueEventFactory, event_handler
    from serverless_tasks.core.errors import (
        AttemptsUsedUp,
        AttemptTimeout,
        BoundReached,
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
    from serverless_tasks.core.fan_out.chunk_summary import ChunkSummary
    from serverless_tasks.core.fan_out.outcomes import Outcome
    from serverless_tasks.core.inputs.uploads import Upload
    from serverless_tasks.core.task.entity import SubTaskEntity, TaskEntity
    from serverless_tasks.core.task.keys import TaskKey
    from serverless_tasks.core.task.status import TaskKind, TaskStatus
    from serverless_tasks.core.task_types.arguments import (
        Event,
        StepFunctionTaskEvent,
        TaskContext,
        TaskEvent,
        TaskQueueEvent,
    )
    from serverless_tasks.core.task_types.failures import Backoff
    from serverless_tasks.core.task_types.task_type import TaskType
    from serverless_tasks.service.chunks import ResultLink, ResultLinks
    from serverless_tasks.service.creation import Caller
    from serverless_tasks.service.pages import Page, TaskQuery
    from serverless_tasks.service.task_service import TaskService

__all__ = [
    "AttemptTimeout",
    "AttemptsUsedUp",
    "Backoff",
    "BoundReached",
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

_NAMES_OF = {
    "classic.event_classes": ["EventFactory", "TaskQueueEventFactory", "event_handler"],
    "core.errors": [
        "AttemptTimeout",
        "AttemptsUsedUp",
        "BoundReached",
        "InvalidInput",
        "InvalidResult",
        "KeyReused",
        "LostRace",
        "MalformedMessage",
        "NoHandler",
        "PayloadInBucket",
        "PayloadMissing",
        "PermanentError",
        "SubTasksFailed",
        "TaskError",
        "TaskNotFound",
        "TaskOpen",
        "TransitionRefused",
        "WorkerLost",
    ],
    "core.fan_out.chunk_summary": ["ChunkSummary"],
    "core.fan_out.outcomes": ["Outcome"],
    "core.inputs.uploads": ["Upload"],
    "core.task.entity": ["SubTaskEntity", "TaskEntity"],
    "core.task.keys": ["TaskKey"],
    "core.task.status": ["TaskKind", "TaskStatus"],
    "core.task_types.arguments": ["Event", "StepFunctionTaskEvent", "TaskContext", "TaskEvent", "TaskQueueEvent"],
    "core.task_types.failures": ["Backoff"],
    "core.task_types.task_type": ["TaskType"],
    "service.creation": ["Caller"],
    "service.chunks": ["ResultLink", "ResultLinks"],
    "service.pages": ["Page", "TaskQuery"],
    "service.task_service": ["TaskService"],
}
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import the name, and keep it for the next time."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
