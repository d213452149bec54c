"""Writes down every AWS call of a function of the local cloud, links included: a line of JSON each.

Python imports a module of this name by itself where it finds one on PYTHONPATH. So nothing of what is shipped knows.
"""

import json
import os
from typing import Any

_LONGEST = 300
"""Characters of a text that are kept: keys and names are shorter, payloads need not be."""


def _watch(directory: str, function: str) -> None:
    from botocore.session import Session

    initialise = Session.__init__
    lines = os.open(os.path.join(directory, f"{function}.jsonl"), os.O_APPEND | os.O_CREAT | os.O_WRONLY)  # noqa: PTH118

    def hear(params: dict[str, Any], model: Any, **_: Any) -> None:
        call = {"service": model.service_model.service_name, "operation": model.name, "params": _shortened(params)}
        os.write(lines, json.dumps(call).encode() + b"\n")  # in one go: processes of one function share the file

    def initialise_and_listen(self: Session, *args: Any, **kwargs: Any) -> None:
        initialise(self, *args, **kwargs)
        self.register("before-parameter-build", hear)  # asked for calls and for links

    Session.__init__ = initialise_and_listen  # type: ignore[method-assign]  # there is no hook for all sessions


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


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ and "RECORDED_CALLS" in os.environ:
    _watch(os.environ["RECORDED_CALLS"], os.environ["AWS_LAMBDA_FUNCTION_NAME"])
