"""Counts and times of a transition, for the metrics of a task type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from serverless_tasks.core.task.entity import HISTORY_LIMIT, TaskEntity
from serverless_tasks.core.task.status import FACTS, TaskStatus
from serverless_tasks.core.times import from_iso

MILLISECOND = timedelta(milliseconds=1)
COUNTS = tuple(known.metric for known in FACTS.values() if known.metric)
"""Metrics that count transitions to a status."""
TIMES = ("QueueWait", "Duration")
"""Milliseconds from the beginning of the run to the first work on it, and from there to its end."""


def measures(task: TaskEntity) -> Mapping[str, int]:
    """Metrics of the transition that the task just made, by name: counts, and at the end of a run :data:`TIMES`.

    Nothing for a transition on the way. ``Created`` counts runs: a retry by hand begins another one.
    """
    known = FACTS[task.status]
    if known.metric is None:
        return {}
    return {known.metric: 1, **(_times(task) if known.outcome else {})}


def _times(task: TaskEntity) -> Mapping[str, int]:
    """Nothing where no work was done, or where the history is no longer whole."""
    if len(task.history) >= HISTORY_LIMIT:
        return {}
    at: dict[str, datetime] = {}
    for entry in task.history:
        if entry["status"] == TaskStatus.CREATED:
            at.clear()
        at.setdefault(entry["status"], from_iso(entry["at"]))
    if not {TaskStatus.CREATED, TaskStatus.PROCESSING} <= set(at):
        return {}
    created, began, ended = at[TaskStatus.CREATED], at[TaskStatus.PROCESSING], at[task.status]
    # Three functions wrote the times, and their clocks differ.
    return {"QueueWait": max(0, (began - created) // MILLISECOND), "Duration": max(0, (ended - began) // MILLISECOND)}
