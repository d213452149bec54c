"""Limits of what passes inside of AWS, put upon the engine in its own process: states, and answers of functions.

Sources: Step Functions quotas ("Maximum input or output size for a task, state, or execution"), Lambda quotas
("Invocation payload").
"""

import json
from collections.abc import Callable
from typing import Any

from local.gate.limits import STATE_BYTES, text_bytes

ANSWER_BYTES = 6_291_556
"""Of what a function is given or gives back."""
_STATES = ("_execute_pass", "_execute_task", "_execute_parallel", "_execute_map")


def install() -> None:
    """Make the engine refuse what is larger."""
    from ministack.core import lambda_runtime
    from ministack.services import stepfunctions

    for name in _STATES:
        setattr(stepfunctions, name, limited_state(getattr(stepfunctions, name), stepfunctions._ExecutionError))
    lambda_runtime.Worker.invoke = limited_answer(lambda_runtime.Worker.invoke)


def limited_state(execute: Callable[..., Any], error: Callable[[str, str], Exception]) -> Callable[..., Any]:
    """A state whose input and output have at most 256 KiB; nothing catches that."""

    def limited(definition: Any, given: Any, *others: Any, **named: Any) -> Any:
        _check(given, error)
        output, following = execute(definition, given, *others, **named)
        _check(output, error)
        return output, following

    return limited


def limited_answer(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """A worker whose event and answer have at most 6 MB, as JSON."""

    def limited(worker: Any, event: Any, *others: Any, **named: Any) -> Any:
        answer = invoke(worker, event, *others, **named)
        size = text_bytes(json.dumps(answer.get("result")))
        if answer.get("status") != "ok" or size <= ANSWER_BYTES:
            return answer
        said = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({ANSWER_BYTES} bytes)."
        return {**answer, "status": "error", "error": said}

    return limited


def _check(value: Any, error: Callable[[str, str], Exception]) -> None:
    if text_bytes(json.dumps(value, separators=(",", ":"), ensure_ascii=False)) > STATE_BYTES:
        raise error("States.DataLimitExceeded", f"The state's input or output has more than {STATE_BYTES} bytes.")
