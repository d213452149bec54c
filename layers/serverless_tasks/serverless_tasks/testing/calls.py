"""One call of one handler, as a worker makes it: the same way to the handler, the same JSON in and out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from serverless_tasks.core.fan_out.chunks import Range
from serverless_tasks.core.fan_out.lifetimes import INVOCATION_SECONDS
from serverless_tasks.core.fan_out.outcomes import Outcomes, completed_line, failed_line
from serverless_tasks.core.inputs.json_text import from_json_text, result_text, to_json_text
from serverless_tasks.core.outbox.messages import task_message
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types.arguments import StepFunctionTaskEvent, TaskContext, TaskQueueEvent
from serverless_tasks.core.task_types.failures import describe
from serverless_tasks.core.task_types.task_type import TaskType
from serverless_tasks.core.times import to_iso
from serverless_tasks.testing.registries import registered
from serverless_tasks.testing.runs import TENANT
from serverless_tasks.testing.stack import MemoryStack
from serverless_tasks.workers.user_code.routing import HandlerRouter, no_handler
from serverless_tasks.workers.user_code.runner import call, call_handler

Checkpoint = tuple[Any, float | None]
"""``state`` and ``progress`` of a checkpoint."""


def call_task(
    task_type: TaskType,
    input: Any,  # noqa: A002  # the field's name everywhere
    *,
    attempt: int = 1,
    run: int = 0,
    state: Any = None,
    remaining_time: float = INVOCATION_SECONDS,
    cancelled: bool = False,
    checkpoints: list[Checkpoint] | None = None,
) -> Any:
    """Call the ``@x.task`` handler once; returns what it returned, as JSON gives it back.

    Parameters
    ----------
    task_type:
        The one task type that is known meanwhile.
    input:
        Anything that is JSON.
    attempt, run, state, remaining_time, cancelled:
        What the handler's context says; ``remaining_time`` in seconds.
    checkpoints:
        A list that gets ``(state, progress)`` of each checkpoint.

    Raises
    ------
    Exception
        Whatever the handler raises; :class:`InvalidResult` for a result that is not JSON; :class:`InvalidInput` for an
        input that is not, or that is not what a typed handler takes; :class:`NoHandler`.
    """
    stack, saved = MemoryStack(), [] if checkpoints is None else checkpoints
    task = _taken(stack.service.create_task(TENANT, task_type.name, input), attempt, run)
    record = {"messageId": "message-1", "receiptHandle": "message-1", "body": json.dumps(task_message(task))}
    event = replace(
        TaskQueueEvent.from_sqs_record(record), task_entity=task, input=from_json_text(to_json_text(input, "input"))
    )
    context = TaskContext(
        attempt=attempt,
        run=run,
        idempotency_key=task.id,
        state=state,
        remaining_time=lambda: remaining_time,
        is_cancelled=lambda: cancelled,
        save=lambda new, progress: saved.append((from_json_text(to_json_text(new, "state")), progress)),
    )
    return _called(task_type, event, context)


def call_sub_task(
    task_type: TaskType,
    input: Any,  # noqa: A002  # the field's name everywhere
    *,
    index: int = 0,
    attempt: int = 1,
    run: int = 0,
    remaining_time: float = INVOCATION_SECONDS,
    cancelled: bool = False,
) -> Any:
    """Call the ``@x.sub_task`` handler once, with ``input`` as element ``index`` of the list; else as a task's."""
    stack, elements = MemoryStack(), [*[None] * index, input]
    task = _taken(stack.service.create_step_function_task(TENANT, task_type.name, elements), attempt=0, run=run)
    event = StepFunctionTaskEvent.from_call(
        {
            "taskEntity": task,
            "index": index,
            "input": from_json_text(to_json_text(input, "input")),
            "context": {"run": run, "chunk": 0, "attempt": attempt, "executionArn": task.execution_arn},
        }
    )
    context = TaskContext(
        attempt=attempt,
        run=run,
        idempotency_key=str(event.task_key),
        remaining_time=lambda: remaining_time,
        is_cancelled=lambda: cancelled,
    )
    return _called(task_type, event, context)


def call_finished(task_type: TaskType, input: Sequence[Any], results: Sequence[Any]) -> Any:  # noqa: A002  # the field's name everywhere
    """Call the ``@x.finished`` handler once; returns what it returned, as JSON gives it back.

    Parameters
    ----------
    task_type:
        The type whose fan-in it is.
    input:
        The list.
    results:
        What each sub-task returned, in the order of ``input``; an exception stands for one that failed with it.

    Raises
    ------
    Exception
        As for :func:`call_task`.
    """
    stack = MemoryStack()
    task = _taken(stack.service.create_step_function_task(TENANT, task_type.name, input), attempt=0, run=0)
    if task_type.finished_handler is None:
        raise no_handler(task_type.name)
    event = StepFunctionTaskEvent.from_call(
        {
            "taskEntity": replace(task, status=TaskStatus.FINISHED),
            "index": None,
            "input": from_json_text(to_json_text(input, "input")),
            "context": {"run": 0, "executionArn": task.execution_arn},
        }
    )
    handler = task_type.finished_handler
    lines = [_line(index, result, to_iso(stack.clock())) for index, result in enumerate(results)]
    outcomes = Outcomes([Range(0, 0, len(lines))], lambda _: lines, 0, stack.memory.payloads.load)
    return _as_kept(lambda: call_handler(handler, event, outcomes))


def _taken(task: TaskEntity, attempt: int, run: int) -> TaskEntity:
    """The task as a worker has it."""
    return replace(task, status=TaskStatus.PROCESSING, attempt=attempt, run=run)


def _called(task_type: TaskType, event: TaskQueueEvent[Any] | StepFunctionTaskEvent[Any], context: TaskContext) -> Any:
    with registered(task_type):
        return _as_kept(lambda: call(HandlerRouter().resolve(event), context))


def _as_kept(handler: Callable[[], Any]) -> Any:
    return from_json_text(result_text(handler()))


def _line(index: int, result: Any, now: str) -> str:
    if isinstance(result, BaseException):
        return failed_line(index, 1, now, now, describe(result), 0)
    return completed_line(index, 1, now, now, result_text(result))
