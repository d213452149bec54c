"""Chunks as the API shows them: how far each one is, without the outcomes of its sub-tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSummary:
    """A chunk: ``count`` sub-tasks from index ``first`` on, as it is in the task's current run."""

    number: int
    """Position among the task's chunks, from 0."""
    first: int
    count: int
    status: TaskStatus
    attempt: int
    """Times a worker took it, in all runs together."""
    succeeded: int
    failed: int
    started_at: str | None = None
    """When a worker first took it in its run (ISO 8601), if one did."""
    finished_at: str | None = None
    """When the last of its sub-tasks had ended."""


def summary_of(task: TaskEntity, chunk: Chunk) -> ChunkSummary:
    """The chunk as the task's current run sees it: a success counts in all later runs, a failure in its own only."""
    is_of_run = chunk.run == task.run or chunk.done_in(task.run)
    return ChunkSummary(
        number=chunk.number,
        first=chunk.range.first,
        count=chunk.range.count,
        status=status_of(task, chunk),
        attempt=chunk.attempt,
        succeeded=chunk.succeeded,
        failed=chunk.failed if is_of_run else 0,
        started_at=chunk.started_at if is_of_run else None,
        finished_at=chunk.finished_at if is_of_run else None,
    )


def status_of(task: TaskEntity, chunk: Chunk) -> TaskStatus:
    """Its status, derived and never written; the clock has no part in it:

    - COMPLETED when all of its sub-tasks have ended, FAILED when one of them failed for good;
    - else the status of its task, once that has ended;
    - PROCESSING while a worker has it, or died with it and no other has taken it over;
    - ERRORED when a worker gave it back with something left: sub-tasks that wait for another attempt, or no time;
    - CREATED before a worker of this run took it.
    """
    if chunk.done_in(task.run):
        return TaskStatus.FAILED if chunk.failed else TaskStatus.COMPLETED
    if task.status.terminal:
        return task.status
    if chunk.run != task.run or not chunk.attempt:
        return TaskStatus.CREATED
    return TaskStatus.PROCESSING if chunk.lease_until else TaskStatus.ERRORED


def chunk_view(chunk: ChunkSummary) -> dict[str, Any]:
    """The chunk as the API answers it, without the times that are not there yet."""
    view = {
        "number": chunk.number,
        "first": chunk.first,
        "count": chunk.count,
        "status": chunk.status,
        "attempt": chunk.attempt,
        "startedAt": chunk.started_at,
        "finishedAt": chunk.finished_at,
        "succeeded": chunk.succeeded,
        "failed": chunk.failed,
    }
    return {name: value for name, value in view.items() if value is not None}
