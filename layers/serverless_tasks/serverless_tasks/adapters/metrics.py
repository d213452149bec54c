"""Metrics without a call: the line that logs a transition is in CloudWatch's embedded metric format as well.

CloudWatch Logs reads the metrics out of it
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Each transition is counted in one place. The relay counts creations and cancels: the stream brings it all of them. The
writer of a transition counts every other one (``Facts.counted_by_relay``). A writer that dies between its write and the
line leaves the transition uncounted. A record that the stream delivers again may count twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.task.entity import HISTORY_LIMIT, TaskEntity
from serverless_tasks.core.task.status import FACTS, TaskStatus
from serverless_tasks.core.times import from_iso

MILLISECOND = timedelta(milliseconds=1)
COUNTS = tuple(known.metric for known in FACTS.values() if known.metric)
"""Metrics that count transitions to a status."""
TIMES = ("QueueWait", "Duration")
"""Milliseconds from the beginning of the run to the first work on it, and from there to its end."""


def log_transition(task: TaskEntity, settings: Settings, **more: str) -> None:
    """Log the transition that the task just made, with its metrics where its writer counts it.

    A transition that its writer does not count is in the relay's log, or a step on the way, and takes no line.
    """
    known = FACTS[task.status]
    counted = {} if known.counted_by_relay else measures(task)
    log = logger.error if known.alarms else logger.info if counted else logger.debug
    log("task is %s", task.status, extra={**task_keys(task), **more, **_metrics(task.type, counted, settings)})


def log_passed_on(tasks: Sequence[TaskEntity], settings: Settings) -> None:
    """Log what the relay passed on, a line for each task type, with the metrics that the relay counts."""
    for task_type in dict.fromkeys(task.type for task in tasks):
        of_type = [task for task in tasks if task.type == task_type]
        facts = [FACTS[task.status] for task in of_type]
        counted = Counter(known.metric for known in facts if known.counted_by_relay and known.metric)
        extra = {"tasks": [task_keys(task) for task in of_type], **_metrics(task_type, counted, settings)}
        logger.info("passed on", extra=extra)


def measures(task: TaskEntity) -> Mapping[str, int]:
    """Metrics of the transition that the task just made, by name: counts, and at the end of a run :data:`TIMES`.

    Nothing for a transition on the way. ``Created`` counts runs: a retry by hand begins another one.
    """
    known = FACTS[task.status]
    if known.metric is None:
        return {}
    return {known.metric: 1, **(_times(task) if known.outcome else {})}


def _metrics(task_type: str, measured: Mapping[str, int], settings: Settings) -> dict[str, Any]:
    """The metrics of a line by task type; none where they are off."""
    if not settings.metrics_namespace or not measured:
        return {}
    # Each further dimension is a further metric for each of its values, at its own price.
    metrics = EphemeralMetrics(namespace=settings.metrics_namespace, service="")
    metrics.add_dimension("taskType", task_type)
    for name, value in measured.items():
        metrics.add_metric(name, MetricUnit.Milliseconds if name in TIMES else MetricUnit.Count, value)
    return dict(metrics.serialize_metric_set())


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
