"""Gives a sub-task its outcome from outside, under the same lease as a worker would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.table import TaskTable
from serverless_tasks.core.errors import InvalidInput, LostRace, TaskNotFound, TransitionRefused
from serverless_tasks.core.fan_out import chunks, outcomes
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS, Chunk
from serverless_tasks.core.fan_out.outcomes import RESULT_LIMIT, fits_line, parse_line
from serverless_tasks.core.inputs.json_text import size, to_json_text
from serverless_tasks.core.task.entity import SubTaskEntity, TaskEntity
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import OUTCOMES, TaskStatus
from serverless_tasks.core.task_types.failures import error_of
from serverless_tasks.core.times import Clock, after, to_iso
from serverless_tasks.service.sub_tasks import derive
from serverless_tasks.store.chunk_data import load_lines, store_lines, store_result
from serverless_tasks.store.chunk_writes import NotClaimed, claim_chunk, count_chunk

LEASE_SECONDS = 60
"""Long enough for the few calls made here."""
Attributes = Mapping[str, Any]
Head = tuple[int, int, str, str]
Store = Callable[[str], Mapping[str, Any] | None]
"""Stores a result that has no room in its line and returns its reference, else None."""


def write_outcome(
    cloud: Cloud, clock: Clock, key: TaskKey, status: TaskStatus, attributes: Attributes
) -> SubTaskEntity:
    """End the sub-task. Raises :class:`TransitionRefused` or :class:`TaskNotFound` (see ``TaskService``)."""
    if status not in OUTCOMES:
        raise TransitionRefused(f"a sub-task ends COMPLETED or FAILED, it cannot become {status}")
    line = _line(status, attributes)  # first, so that what is no JSON leaves no chunk claimed
    task, chunk = _claim(cloud, clock, key)
    lines = list(load_lines(cloud.payloads, chunk))
    index = key.index or 0
    offset = index - chunk.range.first
    before = parse_line(lines[offset], task.run)
    ended = before is not None and before.ended
    if not ended:
        attempt, moment = before.attempt + 1 if before else 1, to_iso(clock())
        taken = sum(map(size, lines))

        def store(text: str) -> Mapping[str, Any] | None:
            if fits_line(size(text), taken):
                return None
            return store_result(cloud.payloads, task, chunk, index, attempt, text)

        lines[offset] = line(task.run, (index, attempt, moment, moment), store)
    _release(cloud, clock, task, chunk, lines)
    if ended:
        raise TransitionRefused("the sub-task has ended already")
    return derive(task, index, None, parse_line(lines[offset], task.run))


def _claim(cloud: Cloud, clock: Clock, key: TaskKey) -> tuple[TaskEntity, Chunk]:
    task = cloud.table.get(key.parent)
    if task is None:
        raise TaskNotFound(f"there is no task {key.parent}")
    if task.status is not TaskStatus.PROCESSING:
        raise TransitionRefused(f"the sub-tasks of a task that is {task.status} cannot change")
    index, count = key.index, task.attributes["subTaskCount"]
    number = _number_with(cloud.table, task, index) if index is not None and index < count else None
    if number is None:
        raise TaskNotFound(f"there is no sub-task {key}")
    now = clock()
    try:
        return task, claim_chunk(cloud.table, task, number, now, after(now, LEASE_SECONDS))
    except (NotClaimed, LostRace):
        raise TransitionRefused("the sub-task has ended, or a worker has it in its hands") from None


def _number_with(table: TaskTable, task: TaskEntity, index: int) -> int | None:
    """Number of the chunk with this element, by bisection.

    Chunk 0 is looked at first, then the one that it is if all are alike: they are, unless elements are large.
    """
    low, high, number = 0, MAX_CHUNKS - 1, 0
    while low <= high:
        chunk = table.chunk(task.tenant_code, task.code, number)
        if chunk is None or index < chunk.range.first:
            high = number - 1
        elif chunk.range.has(index):
            return number
        else:
            low = number + 1
        likely = index // chunk.range.count if chunk and number == 0 else high
        number = likely if likely < high else (low + high) // 2
    return None


def _line(status: TaskStatus, attributes: Attributes) -> Callable[[int, Head, Store], str]:
    """The line of outcomes, given the run, what every line says, and where to put a result that has no room in it."""
    if status is TaskStatus.COMPLETED:
        text = to_json_text(attributes.get("result"), "result")
        if size(text) > RESULT_LIMIT:
            raise InvalidInput(
                "result", f"has {size(text)} bytes, {RESULT_LIMIT} are allowed; store it and give its key"
            )

        def completed(_run: int, head: Head, store: Store) -> str:
            reference = store(text)
            return outcomes.referenced_line(*head, reference) if reference else outcomes.completed_line(*head, text)

        return completed
    error = error_of(attributes.get("error"))
    return lambda run, head, _store: outcomes.failed_line(*head, error, run)


def _release(cloud: Cloud, clock: Clock, task: TaskEntity, chunk: Chunk, lines: list[str]) -> None:
    completed, failed, due_at = outcomes.tally(lines, task.run)
    stored = store_lines(cloud.payloads, task, chunk, lines)
    chunk = Chunk.from_item(cloud.table.update(chunks.release(chunk, stored, (completed, failed), clock(), due_at)))
    if chunk.done_in(task.run):
        count_chunk(cloud.table, task, chunk, clock())
