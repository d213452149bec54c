"""Typed inputs: what a handler's event is annotated with, and the input made into that.

``event: TaskQueueEvent[Place]`` says that the handler wants a ``Place``; so does an event class of a fork's own that
derives from ``TaskQueueEvent[Place]``. pydantic makes it, and is imported when the first one is made: no other worker
pays for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from serverless_tasks.core import errors
from serverless_tasks.core.errors import PermanentError
from serverless_tasks.core.inputs.json_text import to_json_text
from serverless_tasks.core.task.status import TaskKind
from serverless_tasks.core.task_types.events import Event, StepFunctionTaskEvent, TaskQueueEvent
from serverless_tasks.workers.user_code.handlers import Pairs
from serverless_tasks.workers.user_code.routing import HandlerRouter

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

    from serverless_tasks.core.task_types.task_type import TaskType

MAX_PROBLEMS = 5
"""Problems that a message names. The first is what people need; an input may have as many as it has bytes."""
MAX_WORDS = 90
"""Characters of the place of a problem, and of its words: all of them fit what is kept of a message, 1,000."""

Handler = Callable[..., Any]


class InvalidInput(errors.InvalidInput, PermanentError):
    """The input is not what the handler takes, and never will be: no other attempt.

    It keeps the name of its base, which is the ``type`` that people see on the task.
    """


def resolve(router: HandlerRouter, event: TaskQueueEvent | StepFunctionTaskEvent) -> Pairs:
    """Handlers with their events, the input of each made into what the handler takes.

    Raises :class:`InvalidInput` naming the fields that do not fit, and what ``HandlerRouter.resolve`` raises.
    """
    return [(handler, _typed(handler, found)) for handler, found in router.resolve(event)]


def input_type(handler: Handler, event_class: type[Event]) -> Any:
    """What the handler takes as input: a type, or None where neither it nor the event's class says.

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
    """What makes a value of this type. Raises pydantic's errors for a type that it does not take."""
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
    told = [f"{path('input', problem['loc'])}: {problem['msg'][:MAX_WORDS]}" for problem in problems[:MAX_PROBLEMS]]
    more = len(problems) - len(told)
    field, _, words = "; ".join([*told, *[f"and {more} more"] * (more > 0)]).partition(": ")
    return InvalidInput(field, words)


def path(root: str, steps: Iterable[str | int]) -> str:
    """``input[3].latitude``, cut where somebody made up a long name."""
    found = root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return found if len(found) <= MAX_WORDS else f"{found[: MAX_WORDS - 1]}…"


@cache
def _annotation(function: FunctionType, place: int) -> Any:
    """The annotation of the argument at this place, read where the function was written."""
    code = function.__code__
    [name, *_] = [*code.co_varnames[: code.co_argcount][place:], ""]
    annotation = function.__annotations__.get(name)
    if not isinstance(annotation, str):
        return annotation
    try:
        # Only this one: what else is annotated may be there for a type checker alone.
        alone: Any = SimpleNamespace(__annotations__={name: annotation})
        return get_type_hints(alone, function.__globals__, include_extras=True)[name]
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        if "[" not in annotation:
            return None  # a name that only a type checker knows, and no type of an input
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
