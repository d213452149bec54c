"""The one writer of transitions: it writes each, and logs it with its metrics.

Every method raises :class:`LostRace` when another writer was first, and :class:`TransitionRefused` when the task's
status does not allow the transition. The core says what is written (:mod:`serverless_tasks.core.task.transitions`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.adapters.metrics import log_transition
from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.task_types.failures import describe, error_text, reason
from serverless_tasks.core.times import Clock


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
            update = transitions.started(task, self._clock(), self._cloud.executions.start(task))
        try:
            self.write(task, update)
        except LostRace:
            # A fast worker has the task already, or it was dispatched before: the later status stands.
            logger.info("a late dispatch hides nothing", extra=task_keys(task))

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
