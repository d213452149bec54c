"""The way from an event to its handlers, the input of each made into what the handler takes.

An event goes to the handler of its class (the classic way), else to that of its task type. The annotation
``event: TaskQueueEvent[Place]`` says that the handler wants a ``Place``; so does an event class of a fork's own that
derives from ``TaskQueueEvent[Place]``. pydantic makes it, and is imported when the first one is made: no other worker
pays for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from serverless_tasks.classic.event_classes import EVENT_HANDLERS, EventFactory, EventHandler, TaskQueueEventFactory
from serverless_tasks.core import errors
from serverless_tasks.core.errors import NoHandler, PermanentError
from serverless_tasks.core.inputs.json_text import to_json_text
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskKind
from serverless_tasks.core.task_types.arguments import Event, StepFunctionTaskEvent, TaskQueueEvent
from serverless_tasks.core.task_types.task_type import TaskType, find_task_type

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

MAX_PROBLEMS = 5
"""Problems that a message names. The first one matters most; an input may have as many as it has bytes."""
MAX_WORDS = 90
"""Characters of a problem's path, and of its words: all of them fit the 1,000 that are kept of a message."""

Handler = Callable[..., Any]
Pairs = Sequence[tuple[EventHandler, Event]]
"""Handlers, each with its event."""


class InvalidInput(errors.InvalidInput, PermanentError):
    """The input is not what the handler takes, and never will be: no other attempt.

    It keeps the name of its base, which is the ``type`` that the task's error shows.
    """


def find_handler(event: Event) -> EventHandler | None:
    """The handler of the event's class, else that of its task type, else None."""
    if handler := EVENT_HANDLERS.get(type(event)):
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
    """The error of a task whose type has no handler."""
    return NoHandler(f"no handler for task type '{task_type}'")


@dataclass(frozen=True, slots=True)
class HandlerRouter:
    """The way from one of our events to its handlers, through the factories of a fork that has some."""

    events: EventFactory | None = None
    own_events: TaskQueueEventFactory | None = None

    @property
    def routes_by_type(self) -> bool:
        """Whether the task types alone say what has a handler: a fork's own factory may decide otherwise."""
        return self.own_events is None

    def lacks_handler(self, event: TaskQueueEvent | StepFunctionTaskEvent) -> bool:
        """Whether it is certain, before anything runs, that this event has no handler."""
        return self.routes_by_type and find_handler(event) is None

    def lacks_sub_task_handler(self, task: TaskEntity) -> bool:
        """Whether it is certain, before there are chunks, that the task's sub-tasks have no handler."""
        if self.events is not None:
            return False
        call = {"taskEntity": task, "index": 0, "input": None, "context": {}}
        return any(self.lacks_handler(event) for event in self.sub_task_events(call))

    def task_events(self, record: Mapping[str, Any]) -> Sequence[Event]:
        """Events of a message of the task queue. Raises ``MalformedMessage``, and a fork's factory anything."""
        if self.events is None:
            return [TaskQueueEvent.from_sqs_record(record)]
        return self.events.transform_sqs({"Records": [record]})

    def sub_task_events(self, call: Mapping[str, Any]) -> Sequence[StepFunctionTaskEvent]:
        """Events of one sub-task's call (see ``EventFactory.transform_step_function``)."""
        if self.events is None:
            return [StepFunctionTaskEvent.from_call(call)]
        return self.events.transform_step_function(call)

    def resolve(self, event: TaskQueueEvent | StepFunctionTaskEvent) -> Pairs:
        """Handlers with their events, before anything runs.

        Raises :class:`NoHandler`, and :class:`InvalidInput` naming the fields that do not fit.
        """
        own = self._own(event)
        pairs = [(handler, item) for item in own if (handler := find_handler(item))]
        if not own or len(pairs) < len(own):
            raise no_handler(event.task_type)
        return [(handler, _typed(handler, item)) for handler, item in pairs]

    def _own(self, event: TaskQueueEvent | StepFunctionTaskEvent) -> Sequence[Event]:
        if self.own_events is None:
            return [event]
        if isinstance(event, TaskQueueEvent):
            return self.own_events.transform_task(event)
        return self.own_events.transform_step_function_task(event)


def input_type(handler: Handler, event_class: type[Event]) -> Any:
    """The type of input that the handler takes, or None where neither it nor the event's class says.

    Raises :class:`errors.InvalidInput` for an annotation that is text and cannot be read.
    """
    function = inspect.unwrap(handler)
    is_method = inspect.ismethod(function)
    function = getattr(function, "__func__", function)
    declared = _of(_annotation(function, int(is_method))) if inspect.isfunction(function) else None
    return _of(event_class) if declared is None else declared


def input_types(task_type: TaskType) -> dict[TaskKind, Any]:
    """By the kinds that the task type has a handler for, the type of input that each takes; None where any is taken.

    Raises :class:`errors.InvalidInput` for an annotation that is text and cannot be read.
    """
    handlers: list[tuple[TaskKind, Handler | None, type[Event]]] = [
        (TaskKind.TASK, task_type.task_handler, TaskQueueEvent),
        (TaskKind.SFN_TASK, task_type.sub_task_handler, StepFunctionTaskEvent),
    ]
    return {kind: input_type(handler, event_class) for kind, handler, event_class in handlers if handler}


@cache
def adapter(wanted: Any) -> TypeAdapter[Any]:
    """Makes values of this type. Raises pydantic's errors for a type that it does not take."""
    from pydantic import TypeAdapter

    return TypeAdapter(wanted)


def _typed(handler: Handler, event: Event) -> Event:
    wanted = input_type(handler, type(event))
    return event if wanted is None else replace(event, input=made(wanted, event.input))


def made(wanted: Any, value: Any) -> Any:
    """The input made into a value of the type. Raises :class:`InvalidInput` naming the fields that do not fit."""
    takes = adapter(wanted)  # has imported pydantic
    from pydantic import ValidationError

    try:
        # As JSON, which it came as: a strict model takes a date as text from nothing else.
        return takes.validate_json(to_json_text(value, "input"))
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> InvalidInput:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    named = [f"{path('input', problem['loc'])}: {problem['msg'][:MAX_WORDS]}" for problem in problems[:MAX_PROBLEMS]]
    more = len(problems) - len(named)
    field, _, words = "; ".join([*named, *[f"and {more} more"] * (more > 0)]).partition(": ")
    return InvalidInput(field, words)


def path(root: str, steps: Iterable[str | int]) -> str:
    """``input[3].latitude``, cut where a caller made up a long name."""
    found = root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return found if len(found) <= MAX_WORDS else f"{found[: MAX_WORDS - 1]}…"


@cache
def _annotation(function: FunctionType, position: int) -> Any:
    """The annotation of the argument at this position, read where the function was written."""
    code = function.__code__
    [name, *_] = [*code.co_varnames[: code.co_argcount][position:], ""]
    annotation = function.__annotations__.get(name)
    if not isinstance(annotation, str):
        return annotation
    try:
        # Only this one: other annotations may be there for a type checker alone.
        alone: Any = SimpleNamespace(__annotations__={name: annotation})
        return get_type_hints(alone, function.__globals__, include_extras=True)[name]
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        if "[" not in annotation:
            return None  # a name that only a type checker knows: it says no type of an input
        problem = f"the annotation {annotation!r} of {function.__qualname__} cannot be read: {error}"
        raise errors.InvalidInput(name, f"{problem}; import what it names, at the top of the file") from error


def _of(annotation: Any) -> Any:
    """``Place`` of ``TaskQueueEvent[Place]``, of another name of it, and of a class derived from it; else None."""
    annotation = getattr(annotation, "__value__", annotation)  # type PlaceEvent = TaskQueueEvent[Place]
    if get_origin(annotation) is Annotated:
        return _of(annotation.__origin__)
    base = get_origin(annotation) or annotation
    if not (isinstance(base, type) and issubclass(base, Event)):
        return None
    if arguments := get_args(annotation):
        return None if isinstance(arguments[0], TypeVar) or arguments[0] is Any else arguments[0]
    found = (_of(inherited) for inherited in getattr(base, "__orig_bases__", ()))
    return next((one for one in found if one is not None), None)
