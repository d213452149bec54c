"""Metrics without a call: the line that logs a transition is in CloudWatch's embedded metric format as well.

CloudWatch Logs reads the metrics out of it
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
A process that dies between the write and the line leaves its transition uncounted; none is counted twice.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.usage.measures import TIMES, measures


def log_transition(task: TaskEntity, settings: Settings) -> None:
    """The line about the transition that the task just made, with its metrics."""
    logger.info("task is %s", task.status, extra=transition_keys(task, settings))


def transition_keys(task: TaskEntity, settings: Settings) -> dict[str, Any]:
    """What a line about a transition says: the task's keys and, unless they are off, its metrics by task type."""
    return {**task_keys(task), **_metrics(task, settings.metrics_namespace)}


def _metrics(task: TaskEntity, namespace: str) -> dict[str, Any]:
    measured = measures(task)
    if not namespace or not measured:
        return {}
    # Each further dimension is a further metric for each of its values, at its own price.
    metrics = EphemeralMetrics(namespace=namespace, service="")
    metrics.add_dimension("taskType", task.type)
    for name, value in measured.items():
        metrics.add_metric(name, MetricUnit.Milliseconds if name in TIMES else MetricUnit.Count, value)
    return dict(metrics.serialize_metric_set())
