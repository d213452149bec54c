"""Which handler an event goes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from serverless_tasks.core.context import TaskContext
from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.errors import InvalidInput, NoHandler
from serverless_tasks.core.events import Event, StepFunctionTaskEvent, TaskQueueEvent
from serverless_tasks.core.factories import EventFactory, TaskQueueEventFactory
from serverless_tasks.core.task_type import find_task_type

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


def takes_all(event_class: type[Event]) -> bool:
    """Whether a handler takes every event of exactly this class, whatever its task type."""
    return event_class in _handlers


def find_handler(event: Event) -> EventHandler | None:
    """The handler of the event's class, else that of its task type, else None."""
    if type(event) in _handlers:
        return _handlers[type(event)]
    task_type = find_task_type(event.task_type)
    if task_type is None:
        return None
    if isinstance(event, TaskQueueEvent):
        return task_type.task_handler
    if isinstance(event, StepFunctionTaskEvent):
        return task_type.sub_task_handler
    return None


def no_handler(task_type: str) -> NoHandler:
    """The error of a task whose type nobody handles."""
    return NoHandler(f"no handler for task type '{task_type}'")


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """The two factories of a deployment, and the way from one of our events to its handlers."""

    events: EventFactory = field(default_factory=EventFactory)
    own_events: TaskQueueEventFactory = field(default_factory=TaskQueueEventFactory)

    @property
    def routes_by_type(self) -> bool:
        """Whether a look at the task types tells what has a handler: a fork's own factory may decide otherwise."""
        return type(self.own_events) is TaskQueueEventFactory

    def lacks_handler(self, event: TaskQueueEvent | StepFunctionTaskEvent) -> bool:
        """Whether it is certain, before anything runs, that nothing handles this event."""
        return self.routes_by_type and find_handler(event) is None

    def lacks_sub_task_handler(self, task: TaskEntity) -> bool:
        """Whether it is certain, before there are chunks, that nothing handles the task's sub-tasks."""
        if type(self.events) is not EventFactory:
            return False
        call = {"taskEntity": task, "index": 0, "input": None, "context": {}}
        return any(self.lacks_handler(event) for event in self.events.transform_step_function(call))

    def resolve(self, event: TaskQueueEvent | StepFunctionTaskEvent) -> list[tuple[EventHandler, Event]]:
        """Handlers with their events, before anything runs. Raises :class:`NoHandler`."""
        own = self._own(event)
        pairs = [(handler, item) for item in own if (handler := find_handler(item))]
        if not own or len(pairs) < len(own):
            raise no_handler(event.task_type)
        return pairs

    def _own(self, event: TaskQueueEvent | StepFunctionTaskEvent) -> Sequence[Event]:
        if isinstance(event, TaskQueueEvent):
            return self.own_events.transform_task(event)
        return self.own_events.transform_step_function_task(event)
