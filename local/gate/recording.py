"""Writes down every AWS call of a function, links included, in the folder ``RECORDED_CALLS``: a line of JSON each."""

import json
import os
from typing import Any

_LONGEST = 300
"""Characters of a text that are kept: keys and names are shorter, payloads need not be."""


class Recording:
    """The file of one function, which its processes share."""

    def __init__(self, directory: str, function: str) -> None:
        path = os.path.join(directory, f"{function}.jsonl")  # noqa: PTH118
        self._lines = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    def note(self, service: str, operation: str, params: Any, verdict: str) -> None:
        """Write a call down, in one go. ``verdict``: "allowed", "not judged", or the code of the refusal."""
        call = {"service": service, "operation": operation, "params": _shortened(params), "verdict": verdict}
        os.write(self._lines, json.dumps(call).encode() + b"\n")


def _shortened(value: Any) -> Any:
    match value:
        case dict():
            return {name: _shortened(item) for name, item in value.items()}
        case list() | tuple():
            return [_shortened(item) for item in value]
        case str():
            return value[:_LONGEST]
        case int() | float() | None:
            return value
    return f"<{type(value).__name__}>"
