"""A task type in memory, from creation to the end, in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from serverless_tasks.adapters.payloads import PayloadStore
from serverless_tasks.core.fan_out.outcomes import Outcome, outcomes_of
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types.task_type import TaskType
from serverless_tasks.core.times import from_iso
from serverless_tasks.store.chunks import load_lines
from serverless_tasks.testing.registries import registered
from serverless_tasks.testing.stack import MemoryStack

TENANT = "mbc"
"""The tenant of the tasks here."""


@dataclass(frozen=True, slots=True)
class EndedTask:
    """How a task ended."""

    status: TaskStatus
    """COMPLETED or FAILED."""
    result: Any
    """What the handler, or the fan-in, returned, as JSON gives it back; None if it failed."""
    error: Mapping[str, str] | None
    """``{type, message}`` of the last attempt that failed, if one did."""
    attempt: int
    """Attempts it took; of a Step Functions task 0, for its sub-tasks have attempts of their own."""
    statuses: tuple[str, ...]
    """The statuses that it went through, in order."""
    seconds: float
    """From creation to the end, on the virtual clock: backoffs count, your handler's own time does not."""
    sub_tasks: tuple[Outcome, ...]
    """Outcomes in input order, as ``@x.finished`` gets them; none of a single task."""
    task: TaskEntity = field(repr=False)
    """The task as the table has it."""


def run_task(task_type: TaskType, input: Any, *, stack: MemoryStack | None = None) -> EndedTask:  # noqa: A002  # the field's name everywhere
    """Run a single task of this type to its end, with all of its attempts.

    Parameters
    ----------
    task_type:
        The one task type that is known meanwhile.
    input:
        Anything that is JSON.
    stack:
        A stack of your own, with factories of your own or to look at afterwards; by default a new one.

    Raises
    ------
    InvalidInput
        For what the service would refuse, naming the field.
    """
    stack = stack or MemoryStack()
    with registered(task_type):
        created = stack.service.create_task(TENANT, task_type.name, input)
        return _ended(stack, stack.run(created.key))


def run_step_function_task(
    task_type: TaskType,
    input: Sequence[Any],  # noqa: A002  # the field's name everywhere
    *,
    stack: MemoryStack | None = None,
) -> EndedTask:
    """Run a Step Functions task to its end: a sub-task for each element of ``input``, then the fan-in.

    Else like :func:`run_task`.
    """
    stack = stack or MemoryStack()
    with registered(task_type):
        created = stack.service.create_step_function_task(TENANT, task_type.name, input)
        return _ended(stack, stack.run(created.key))


def _ended(stack: MemoryStack, task: TaskEntity) -> EndedTask:
    return EndedTask(
        status=task.status,
        result=stack.service.load_result(task),
        error=task.error,
        attempt=task.attempt,
        statuses=tuple(str(entry["status"]) for entry in task.history),
        seconds=(from_iso(task.history[-1]["at"]) - from_iso(task.created_at)).total_seconds(),
        sub_tasks=tuple(_outcomes(stack, task)),
        task=task,
    )


def _outcomes(stack: MemoryStack, task: TaskEntity) -> Iterator[Outcome]:
    payloads = cast("PayloadStore", stack.memory.payloads)
    for chunk in stack.memory.table.chunks(task.tenant_code, task.code):
        yield from outcomes_of(chunk.range.first, load_lines(payloads, chunk), task.run, payloads.load)
