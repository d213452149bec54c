"""The sweeper: looks at tasks that are open past their time, sends them on their way again or ends them.

It is what heals a lost message, a stream record that was given up, an execution that somebody stopped. In the time that
is left it tells topics the ends that they did not take.
"""

from __future__ import annotations

from collections.abc import Callable

from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import key_keys, logger, task_keys
from serverless_tasks.adapters.metrics import transition_keys
from serverless_tasks.core.dynamodb.expressions import Update, equals
from serverless_tasks.core.errors import LostRace, WorkerLost
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.decisions import PATIENCE, CheckExecution, Dispatch, sweep
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import OPEN_SHARDS, UNTOLD_SHARDS, TaskKey
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types import failures
from serverless_tasks.core.times import Clock, after, to_iso
from serverless_tasks.workers.dispatching import dispatch
from serverless_tasks.workers.late_telling import LateTelling

TASKS_PER_SHARD = 100
"""Tasks, or untold ends, of one shard and run; what is left is the oldest of the next run."""
CLOSING_SECONDS = 10.0
"""Left of the invocation when no other task is begun."""


class Sweeper:
    """What the schedule calls. Two at once do nothing twice."""

    def __init__(self, cloud: Cloud, clock: Clock = utc_now) -> None:
        self._cloud = cloud
        self._clock = clock

    def handle(self, remaining: Callable[[], float]) -> int:
        """Look at what is due; returns at how much it was. What fails keeps nothing else waiting.

        First what is stuck: a topic that stays down leaves ends untold by the thousand.
        """
        looked, telling = 0, LateTelling(self._cloud, self._clock)
        for shard in (*OPEN_SHARDS, *UNTOLD_SHARDS):
            look = self._look if shard in OPEN_SHARDS else telling.tell
            for key in self._cloud.table.due(shard, to_iso(self._clock()), TASKS_PER_SHARD):
                if remaining() < CLOSING_SECONDS:
                    return looked
                looked += 1
                try:
                    look(key)
                except LostRace:
                    logger.info("the task moved on by itself", extra=key_keys(key))
                except Exception:
                    logger.exception("could not look after a task", extra=key_keys(key))
                    self._put_off(key, shard)
        logger.info("swept", extra={"looked": looked})
        return looked

    def _look(self, key: TaskKey) -> None:
        task = self._cloud.table.get(key)
        now = self._clock()
        if task is None or task.attention not in OPEN_SHARDS or task.due_at is None or task.due_at > to_iso(now):
            return
        step = sweep(task, now, self._cloud.settings.first_look_seconds)
        sends = isinstance(step, Dispatch)
        task = self._cloud.table.update_task(transitions.looked_at(task, now, step.until, dispatched=sends))
        if sends:
            self._dispatch(task)
        elif isinstance(step, CheckExecution):
            self._check_execution(task)

    def _put_off(self, key: TaskKey, shard: str) -> None:
        """Let what cannot be looked after, or is no task of ours, not stand first for ever."""
        due_at = to_iso(after(self._clock(), PATIENCE))
        update = Update(
            key.pk, key.sk, set={"dueAt": due_at, "change": "data"}, conditions=(equals("attention", shard),)
        )
        try:
            self._cloud.table.update(update)
        except Exception:
            logger.exception("could not put a task off", extra=key_keys(key))

    def _dispatch(self, task: TaskEntity) -> None:
        logger.warning("dispatched again", extra=task_keys(task))
        if task.status is TaskStatus.CREATED:
            dispatch(self._cloud, task, self._clock())
        else:
            self._cloud.queue.send(task)

    def _check_execution(self, task: TaskEntity) -> None:
        running = self._cloud.executions.is_running(task)
        if running:
            return
        if running is None:
            logger.warning("the execution is missing and starts again", extra=task_keys(task))
            self._cloud.executions.start(task)
            return
        told = failures.describe(WorkerLost("its execution has ended without it; retry it"))
        days = self._cloud.settings.retention_days
        failed = transitions.failed(task, self._clock(), failures.error_text(told), failures.reason(told), days)
        task = self._cloud.table.update_task(failed)
        logger.error("the execution had ended, the task had not", extra=transition_keys(task, self._cloud.settings))
