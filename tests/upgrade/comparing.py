"""Compares what was recorded with what the newest code does: what was there stays, and what is new is reviewed."""

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

_LOST = "why the attempt before was lost: entries of the history have had reasons all along"
ADDITIONS: dict[str, str] = {
    "*/items/IDEMPOTENCY#*/fingerprintV2": "older code compares by fingerprint, which is written as it was",
    "*/items/*TASK#*/policy": "What decides how a run ends, until it does. Older code decides by its own, as ever.",
    "*/records/*/NewImage/policy": "The same, in the stream.",
    "*/items/SFN_TASK#*/cut": "What a chunk has at most. Older code finds it in the first chunk, as ever.",
    "*/records/*/NewImage/cut": "The same, in the stream.",
    "/items/TASK#*/history/*/reason": _LOST,
    "/records/*/dynamodb/NewImage/history/L/*/M/reason": _LOST,
}
"""Paths as :func:`differences` names them, with ``*`` for any part, of what newer code adds, and why older code does as
well with it. An entry that nothing needs any more fails ``test_rolled_back.py``."""

MORE_UNITS = {
    "*/uW": 1,
    "/*/answer/*/usage/writeUnits": 3,
    "*/items/SFN_TASK#mbc cat#01KDVDNBYG0000000000000000/uW": 3,
}
"""Write units of a task, and how many more: one for each write of its item that passes a kilobyte only by what the run
began with, some 60 bytes. One fan-out of the clients' story has three of them."""
FEWER = ("*/uS", "*/usage/stateTransitions")
"""State transitions: an inline map makes fewer."""

BY_DEFINITION = {
    "fan-out-*": "the first round runs in an inline map, after which a dead worker's chunk goes on at once",
    "several-tasks": "the same",
    "ends-are-published-late": "the same",
}
"""Scenarios that the newest definition takes another way, and which. Of the older definition, the newest code writes
what the older one wrote."""


WITHIN = "*/executions/*/data/plan/*"
"""What an execution remembers of its plan, which is between it and its own definition."""


def differences(recorded: Any, found: Any, path: str = "") -> Iterator[str]:
    """Paths of what is gone, of what is another, and of what is new and not in :data:`ADDITIONS`."""
    for where, what in _differences(recorded, found, path):
        if what != "is new" or not _is_one_of(where, ADDITIONS):
            yield f"{where} {what}"


def losses(recorded: Any, found: Any) -> list[str]:
    """What is gone or another, where its readers ignore what is new: clients of the API, and of stack.json."""
    return [f"{where} {what}" for where, what in _differences(recorded, found, "") if what != "is new"]


def additions(recorded: Any, found: Any) -> list[str]:
    """Paths of what is new, reviewed or not."""
    return [where for where, what in _differences(recorded, found, "") if what == "is new"]


def _differences(recorded: Any, found: Any, path: str) -> Iterator[tuple[str, str]]:
    match recorded, found:
        case Mapping(), Mapping():
            for name in recorded:
                if name in found:
                    yield from _differences(recorded[name], found[name], f"{path}/{name}")
                else:
                    yield f"{path}/{name}", f"is gone: {recorded[name]!r:.200}"
            for name in found:
                if name not in recorded:
                    yield f"{path}/{name}", "is new"
        case list(), list():
            for number, (one, other) in enumerate(zip(recorded, found, strict=False)):
                yield from _differences(one, other, f"{path}/{number}")
            if len(recorded) != len(found):
                yield path, f"has {len(found)} entries, not {len(recorded)}"
        case str(), str() if recorded != found and (texts := _both_json(recorded, found)):
            yield from _differences(*texts, path)
        case _ if fnmatchcase(path, WITHIN):
            return
        case int() | float(), int() | float() if 0 < found - recorded <= _more_units(path):
            return
        case int() | float(), int() | float() if _is_one_of(path, (*FEWER, "*/usage/estimatedUsd")):
            return
        case _ if recorded != found or isinstance(recorded, bool) is not isinstance(found, bool):
            yield path, f"is {found!r:.200}, not {recorded!r:.200}"


def _more_units(path: str) -> int:
    return max((most for pattern, most in MORE_UNITS.items() if fnmatchcase(path, pattern)), default=0)


def _is_one_of(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _both_json(recorded: str, found: str) -> tuple[Any, Any] | None:
    """The values of two texts of JSON objects, whatever their spaces."""
    if not (recorded.startswith(("{", "[")) and found.startswith(("{", "["))):
        return None
    try:
        return json.loads(recorded), json.loads(found)
    except ValueError:
        return None
