"""Answers of the API: that they are what they should be, so that nothing behind has to doubt them.

A missing field is an error when it is asked for: an older deployment may do without one that no command needs.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests

from tasks_cli.errors import Unreachable

LARGEST = 1e15
"""Of a number that is counted or shown."""
HINT = "is the address right, and this command as new as the stack?"

Fits = Callable[[Any], bool]
Shape = Fits | type | list[Any] | dict[str, Any]
"""A type, a condition, a list of one shape, or the shapes of fields; fields may be missing."""


class Answered(dict[str, Any]):
    """An object of an answer. Raises :class:`Unreachable` for a field that it does not have."""

    def __missing__(self, name: str) -> Any:
        raise Unreachable(f"an answer has no {name!r}; {HINT}")


def read(response: requests.Response) -> Any:
    """The answer's JSON, or None where it is none."""
    try:
        return response.json(object_hook=Answered, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def check(what: str, value: Any, shape: Shape) -> None:
    """Raise :class:`Unreachable` for a value that has not this shape."""
    if misfit := _misfit(value, shape, ""):
        raise Unreachable(f"{what}: the answer is odd at {misfit}; {HINT}")


def _misfit(value: Any, shape: Shape, path: str) -> str | None:
    match shape:
        case dict():
            if not isinstance(value, dict):
                return path or "its beginning"
            named = ((name, part) for name, part in shape.items() if name in value)
            return next((bad for name, part in named if (bad := _misfit(value[name], part, f"{path}.{name}"))), None)
        case [inner]:
            if not isinstance(value, list):
                return path
            return next((bad for n, one in enumerate(value) if (bad := _misfit(one, inner, f"{path}[{n}]"))), None)
        case type():
            return None if isinstance(value, shape) else path
        case _:
            return None if callable(shape) and shape(value) else path


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def number(value: Any) -> bool:
    """Whether it is a number that can be counted with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def whole(value: Any) -> bool:
    """Whether it is a whole one."""
    return isinstance(value, int) and number(value)


def time(value: Any) -> bool:
    """Whether it is a time."""
    try:
        return math.isfinite(datetime.fromisoformat(value).astimezone(UTC).timestamp())
    except (TypeError, ValueError, OverflowError):
        return False


def texts(value: Any) -> bool:
    """Whether it is an object of texts."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


_ATTRIBUTES = {
    "progress": number,
    "subTaskCount": whole,
    "subTaskSucceedCount": whole,
    "subTaskFailedCount": whole,
    "subTaskRunningCount": whole,
    "error": {"type": str, "message": str},
    "resultUrl": str,
}
TASK: Shape = {
    "type": str,
    "code": str,
    "kind": str,
    "name": str,
    "status": str,
    "version": whole,
    "attempt": whole,
    "run": whole,
    "createdAt": time,
    "nextAttemptAt": str,
    "attributes": _ATTRIBUTES,
    "usage": {"estimatedUsd": number},
    "history": [{"status": str, "at": str, "attempt": whole, "by": str, "reason": str}],
}
SUB_TASK: Shape = {
    "index": whole,
    "status": str,
    "attempt": whole,
    "attributes": _ATTRIBUTES,
    "startedAt": time,
    "finishedAt": time,
}
UPLOAD: Shape = {"inputRef": str, "url": str, "headers": texts}
LINKS: Shape = {"items": [{"url": str, "first": whole, "count": whole}]}
TYPES: Shape = {"items": [{"taskType": str, "kinds": [str], "description": str}], "complete": bool}


def page(of: Shape) -> Shape:
    """A page of these."""
    return {"items": [of], "cursor": str}
