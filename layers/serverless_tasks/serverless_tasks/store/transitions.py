"""The one writer of transitions: it writes each, and logs it with its metrics.

Every method raises :class:`LostRace` when another writer was first, and :class:`TransitionRefused` when the task's
status does not allow the transition. The core says what is written (:mod:`serverless_tasks.core.task.transitions`).

Metrics cost no call: CloudWatch Logs reads them out of the line, which is in the embedded metric format as well
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Each transition is counted in one place. The relay counts creations and cancels: the stream brings it all of them. The
writer of a transition counts every other one (``Facts.counted_by_relay``). A writer that dies between its write and the
line leaves the transition uncounted. A record that the stream delivers again may count twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.entity import HISTORY_LIMIT, TaskEntity
from serverless_tasks.core.task.status import FACTS, TaskKind, TaskStatus
from serverless_tasks.core.task_types.failures import describe, error_text, reason
from serverless_tasks.core.times import Clock, from_iso

MILLISECOND = timedelta(milliseconds=1)
COUNTS = tuple(known.metric for known in FACTS.values() if known.metric)
"""Metrics that count transitions to a status."""
TIMES = ("QueueWait", "Duration")
"""Milliseconds from the beginning of the run to the first work on it, and from there to its end."""


class Transitions:
    """Makes the transitions of tasks, each from the task as its writer read it."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self._cloud = cloud
        self._clock = clock

    def write(self, task: TaskEntity, update: Update, **more: str) -> TaskEntity:
        """Make the transition that the core built of this task, and return the task as it is then.

        Its line in the log says ``more``.
        """
        changed = self._cloud.table.update_task(update, task)
        log_transition(changed, self._cloud.settings, **more)
        return changed

    def complete(self, task: TaskEntity, result: Mapping[str, Any]) -> None:
        """End the task with ``{"result": text}``, ``{"resultRef": reference}``, or without a result."""
        self.write(task, transitions.completed(task, self._clock(), result, self._days))

    def fail(self, task: TaskEntity, error: BaseException) -> None:
        """End the task with this error, and its counters with what its chunks say."""
        self._fail(task, error, partial(transitions.failed, counts=self._counts(task)))

    def give_up(self, task: TaskEntity, error: BaseException) -> None:
        """End the task with this error, as its last worker is dead."""
        self._fail(task, error, transitions.given_up)

    def _fail(self, task: TaskEntity, error: BaseException, end: Callable[..., Update]) -> None:
        kept = describe(error)
        self.write(task, end(task, self._clock(), error_text(kept), reason(kept), self._days), reason=reason(kept))

    def retry_attempt(self, task: TaskEntity, error: BaseException, due: datetime) -> None:
        """The attempt ended with this error; another one is due then."""
        kept = describe(error)
        errored = transitions.errored(task, self._clock(), error_text(kept), due, reason(kept))
        self.write(task, errored, reason=reason(kept))

    def cancel(self, task: TaskEntity, by: str | None, ip: str | None) -> TaskEntity:
        """Stop the task. The relay stops its execution, and counts it."""
        return self.write(task, transitions.cancelled(task, self._clock(), by, self._days, ip))

    def retry(self, task: TaskEntity, by: str | None, ip: str | None, count: Callable[[], None]) -> TaskEntity:
        """Begin a new run, once ``count`` allows it. The relay dispatches it, and counts it for the metric."""
        seconds = self._cloud.settings.first_look_seconds
        retried = transitions.retried(task, self._clock(), by, seconds, ip)
        count()
        return self.write(task, retried)

    def update(self, task: TaskEntity, to: TaskStatus, attributes: Mapping[str, Any]) -> TaskEntity:
        """What user code asks for by the name of the status."""
        return self.write(task, transitions.manual_update(task, to, self._clock(), attributes, self._days))

    def dispatch(self, task: TaskEntity) -> None:
        """Put a CREATED task on the queue, or start its execution, and write QUEUED or STARTED.

        It is written afterwards: a crash in between dispatches the task twice, and never not at all.
        """
        if task.kind is TaskKind.TASK:
            self._cloud.queue.send(task)
        self.follow_up(task)

    def follow_up(self, task: TaskEntity) -> None:
        """The rest of a dispatch when the message is sent: write QUEUED, or start the execution and write STARTED."""
        if task.kind is TaskKind.TASK:
            update = transitions.queued(task, self._clock())
        else:
            update = transitions.started(task, self._clock(), self._start(task))
        try:
            self.write(task, update)
        except LostRace:
            # A fast worker has the task already, or it was dispatched before: the later status stands.
            logger.info("a late dispatch hides nothing", extra=task_keys(task))

    def _start(self, task: TaskEntity) -> str:
        settings = self._cloud.settings
        if settings.fast_lane_arn:
            from serverless_tasks.core.fan_out import lane  # not at the start: half of the functions know no lists

            if lane.takes(task, settings.fan_out_concurrency):
                return self._cloud.executions.start_lane(task)
        return self._cloud.executions.start(task)

    def _counts(self, task: TaskEntity) -> Mapping[str, int]:
        """Counters of what has an outcome, counted or not: a worker may have died in between, or in its chunk."""
        if "subTaskCount" not in task.attributes or task.progress == 1:
            return {}
        from serverless_tasks.core.fan_out.chunks import tally  # not at the start: half of the functions know none

        try:
            return tally(task, self._cloud.table.chunks(task.tenant_code, task.code))
        except Exception:  # a task that cannot be counted has to end all the same
            logger.exception("its counters stay as they are", extra=task_keys(task))
            return {}

    @property
    def _days(self) -> int:
        return self._cloud.settings.retention_days


def log_transition(task: TaskEntity, settings: Settings, **more: str) -> None:
    """Log the transition that the task just made, with its metrics where its writer counts it.

    A transition that its writer does not count is in the relay's log, or a step on the way, and takes no line.
    """
    known = FACTS[task.status]
    counted = {} if known.counted_by_relay else measures(task)
    log = logger.error if known.alarms else logger.info if counted else logger.debug
    log("task is %s", task.status, extra={**task_keys(task), **more, **_metrics(task.type, counted, settings)})


def log_passed_on(tasks: Sequence[TaskEntity], settings: Settings) -> None:
    """Log what the relay passed on, a line for each task type, with the metrics that the relay counts.

    A lone task has its keys on the line itself, where a search finds them. Its end has its line from its writer, and
    takes no second one.
    """
    for task_type in dict.fromkeys(task.type for task in tasks):
        of_type = [task for task in tasks if task.type == task_type]
        facts = [FACTS[task.status] for task in of_type]
        counted = Counter(known.metric for known in facts if known.counted_by_relay and known.metric)
        keys = [task_keys(task) for task in of_type]
        about = keys[0] if len(keys) == 1 else {"tasks": keys}
        log = logger.info if counted else logger.debug
        log("passed on", extra={**about, **_metrics(task_type, counted, settings)})


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
