"""The classic way: event classes of a fork's own, each with a handler, and the factories that make their events.

Task types need none of it. A fork that wants its own factories derives from these and names them in the template
(parameters ``EventFactory`` and ``TaskQueueEventFactory``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task_types.arguments import Event, StepFunctionTaskEvent, TaskEvent, TaskQueueEvent
from serverless_tasks.core.task_types.task_type import check_handler

EventHandler = Callable[[Any, Any], Any]
"""``handler(event, context)``."""
Handler = TypeVar("Handler", bound=EventHandler)

EVENT_HANDLERS: dict[type[Event], EventHandler] = {}
"""The handlers that this process has for classes of events."""


def event_handler(event_class: type[Event]) -> Callable[[Handler], Handler]:
    """Decorator: ``handler(event, context)`` takes events of exactly this class, before any task type does."""

    def register(handler: Handler) -> Handler:
        if not isinstance(event_class, type):  # no event ever is of TaskQueueEvent[Cat] itself
            raise InvalidInput("event_class", f"must be a class: derive one of your own from {event_class}")
        if event_class in EVENT_HANDLERS:
            raise InvalidInput("event_class", f"{event_class.__name__} already has a handler")
        check_handler("event_handler", handler, "context")
        EVENT_HANDLERS[event_class] = handler
        return handler

    return register


def set_event_handlers(handlers: Mapping[type[Event], EventHandler]) -> None:
    """Put these into the registry instead of those that it has. For tests."""
    handlers = dict(handlers)
    EVENT_HANDLERS.clear()
    EVENT_HANDLERS.update(handlers)


class EventFactory:
    """From records and calls to the events of this package."""

    def transform_dynamodb_stream(self, event: Mapping[str, Any]) -> list[TaskEvent]:
        """Events of the records of a stream batch. Raises ``MalformedMessage`` for a record without a task."""
        return [TaskEvent.from_dynamodb_record(record) for record in event["Records"]]

    def transform_sqs(self, event: Mapping[str, Any]) -> list[TaskQueueEvent]:
        """Events of the messages of a queue batch. Raises ``MalformedMessage`` for one that names no task."""
        return [TaskQueueEvent.from_sqs_record(record) for record in event["Records"]]

    def transform_step_function(self, event: Mapping[str, Any]) -> list[StepFunctionTaskEvent]:
        """Events of one sub-task's call: ``{"taskEntity", "index", "input", "context": {"run", "chunk", …}}``."""
        return [StepFunctionTaskEvent.from_call(event)]


class TaskQueueEventFactory:
    """From the events of this package to a fork's own. Each event returned is handled; without any, the task fails."""

    def transform_task(self, event: TaskQueueEvent) -> Sequence[Event]:
        """Events of a single task."""
        return [event]

    def transform_step_function_task(self, event: StepFunctionTaskEvent) -> Sequence[Event]:
        """Events of a sub-task."""
        return [event]
