"""Which handler an event goes to: that of its class (the classic way), else that of its task type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from serverless_tasks.classic.event_handlers import EventHandler, handler_of_class
from serverless_tasks.classic.factories import EventFactory, TaskQueueEventFactory
from serverless_tasks.core.errors import NoHandler
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task_types.events import Event, StepFunctionTaskEvent, TaskQueueEvent
from serverless_tasks.core.task_types.task_type import find_task_type


def find_handler(event: Event) -> EventHandler | None:
    """The handler of the event's class, else that of its task type, else None."""
    if handler := handler_of_class(type(event)):
        return handler
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
class HandlerRouter:
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
