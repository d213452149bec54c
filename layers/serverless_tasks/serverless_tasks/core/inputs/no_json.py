"""Why and where a Python value is not JSON. Looked for only in one that json refuses, or may have to."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

MAX_PATH = 200
"""Characters of a path that a message keeps."""


def fault(root: str, value: Any) -> str | None:
    """What is wrong with the first part that cannot be JSON, and where: ``result.items[3]``. None if nothing is."""
    seen: set[int] = set()  # a list that holds itself ends, too
    left = [(root, value)]
    while left:
        path, part = left.pop()
        if wrong := _wrong(part):
            return f"{wrong}, at {path[:MAX_PATH]}"
        if isinstance(part, (dict, list, tuple)) and id(part) not in seen:
            seen.add(id(part))
            left += reversed(list(_parts(path, part)))
    return None


def _parts(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield from ((f"{path}[{number}]", part) for number, part in enumerate(value))
        return
    for key, part in value.items():
        name = _name(key)
        yield (f"{path}.{name}" if name.isidentifier() else f"{path}[{json.dumps(name)}]"), part


def _wrong(value: Any) -> str | None:
    match value:
        case dict():
            return _wrong_keys(value)
        case float():
            return None if math.isfinite(value) else f"{value} is not a JSON value"
        case None | bool() | int() | str() | list() | tuple():
            return None
    return f"a value of type {type(value).__name__} is none of JSON"


def _wrong_keys(value: dict[Any, Any]) -> str | None:
    """Keys that are no text become one, and may then be the key of another value, which would be lost."""
    names: dict[str, Any] = {}
    for key in value:
        if not (key is None or isinstance(key, (str, int, float))):
            return f"a key of type {type(key).__name__} is none of JSON"
        name = _name(key)
        if name in names:
            return f"the keys {names[name]!r} and {key!r} are the same in JSON"
        names[name] = key
    return None


def _name(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    try:
        return json.dumps(key)
    except ValueError:  # a whole number of too many digits
        return f"a key of {type(key).__name__}"
