"""Handlers of whole event classes, which take their events before any task type does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task_types.context import TaskContext
from serverless_tasks.core.task_types.events import Event

EventHandler = Callable[[Any, TaskContext], Any]
Handler = TypeVar("Handler", bound=EventHandler)

_handlers: dict[type[Event], EventHandler] = {}


def event_handler(event_class: type[Event]) -> Callable[[Handler], Handler]:
    """Decorator: ``handler(event, context)`` takes events of exactly this class, before any task type does."""

    def register(handler: Handler) -> Handler:
        if not isinstance(event_class, type):  # no event ever is of TaskQueueEvent[Cat] itself
            raise InvalidInput("event_class", f"must be a class: derive one of your own from {event_class}")
        if event_class in _handlers:
            raise InvalidInput("event_class", f"{event_class.__name__} already has a handler")
        _handlers[event_class] = handler
        return handler

    return register


def known_event_handlers() -> dict[type[Event], EventHandler]:
    """All handlers that this process has for classes of events."""
    return dict(_handlers)


def set_event_handlers(handlers: Mapping[type[Event], EventHandler]) -> None:
    """Put these into the registry instead of those that it has. For tests."""
    _handlers.clear()
    _handlers.update(handlers)


def handler_of_class(event_class: type[Event]) -> EventHandler | None:
    """The handler that takes every event of exactly this class, whatever its task type, if there is one."""
    return _handlers.get(event_class)
