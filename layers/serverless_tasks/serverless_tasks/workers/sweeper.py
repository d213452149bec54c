"""The sweeper: looks at tasks that are open past their time, sends them on their way again or ends them.

It heals a lost message, a stream record that was given up, an execution that was stopped by hand. In the time that is
left it publishes the ends that a sink did not take, or that stood in a record that was given up.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import assert_never

from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import key_keys, logger, task_keys
from serverless_tasks.core.dynamodb.expressions import Update, equals
from serverless_tasks.core.errors import LostRace, WorkerLost
from serverless_tasks.core.task import keeping, transitions
from serverless_tasks.core.task.decisions import PATIENCE, CheckExecution, Dispatch, Leave, sweep
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import OPEN_SHARDS, UNDELIVERED_SHARDS, TaskKey, payload_prefix
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import Clock, after, to_iso
from serverless_tasks.store.transitions import Transitions
from serverless_tasks.workers.notifications import LateNotifications

TASKS_PER_SHARD = 100
"""Tasks, or undelivered ends, of one shard and run; the next run begins with those that are left."""
CLOSING_SECONDS = 10.0
"""Left of the invocation when no other task is begun."""


class Sweeper:
    """What the schedule calls. Two at once do nothing twice."""

    def __init__(self, cloud: Cloud, clock: Clock = utc_now) -> None:
        self._cloud = cloud
        self._clock = clock
        self._transitions = Transitions(cloud, clock)

    def handle(self, remaining: Callable[[], float]) -> int:
        """Look at everything that is due; returns the number of looks. One that fails keeps no other waiting.

        Stuck tasks come first: a sink that stays down leaves ends undelivered by the thousand.
        """
        looked, late = 0, LateNotifications(self._cloud, self._clock)
        for shard in (*OPEN_SHARDS, *UNDELIVERED_SHARDS):
            look = partial(self._look, remaining=remaining) if shard in OPEN_SHARDS else late.publish
            if shard == UNDELIVERED_SHARDS[0]:
                self._take_up_what_was_given_up(remaining)
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

    def _look(self, key: TaskKey, remaining: Callable[[], float]) -> None:
        task = self._cloud.table.get(key)
        now = self._clock()
        if task is None or task.attention not in OPEN_SHARDS or task.due_at is None or task.due_at > to_iso(now):
            return
        in_lane = task.execution_arn is not None and self._cloud.executions.is_in_lane(task)
        step = sweep(task, now, self._cloud.settings.first_look_seconds, in_lane=in_lane)
        looked_at = transitions.looked_at(task, now, step.until, dispatched=isinstance(step, Dispatch))
        task = self._cloud.table.update_task(looked_at, task)
        match step:
            case Leave():
                pass
            case Dispatch():
                self._dispatch(task)
            case CheckExecution():
                self._check_execution(task)
            case _:
                assert_never(step)
        if keeping.is_due(task, now, self._cloud.settings.payload_days):
            self._keep_objects(task, now, remaining)

    def _keep_objects(self, task: TaskEntity, now: datetime, remaining: Callable[[], float]) -> None:
        """Renew what the task may still read, before the bucket deletes it for its age."""
        prefixes = [payload_prefix(task.tenant_code, task.code)]
        if task.input_ref is not None:
            prefixes.append(task.input_ref["key"])
        old = keeping.old_before(now, self._cloud.settings.payload_days)
        if all(self._cloud.payloads.renew(prefix, task.code, old, remaining) for prefix in prefixes):
            self._cloud.table.update_task(transitions.kept(task, self._clock()), task)

    def _take_up_what_was_given_up(self, remaining: Callable[[], float]) -> None:
        """A batch that cannot be taken up is left: a person may want to look at it, and it ends by itself."""
        try:
            for batch in self._cloud.given_up.batches():
                if remaining() < CLOSING_SECONDS:
                    return
                try:
                    self._take_up(batch)
                except Exception:
                    logger.exception("could not take up records that the stream gave up", extra={"object": batch})
        except Exception:
            logger.exception("could not look for records that the stream gave up")

    def _take_up(self, batch: str) -> None:
        """Make undelivered ends of those in the batch, which are published as any other is."""
        from serverless_tasks.workers.relay import Relay  # not at the start: there is next to never a batch

        if (records := self._cloud.given_up.records(batch)) is None:
            return
        Relay(self._cloud, clock=self._clock).keep_ends(records)
        self._cloud.given_up.remove(batch)
        logger.warning("took up records that the stream gave up", extra={"object": batch, "records": len(records)})

    def _put_off(self, key: TaskKey, shard: str) -> None:
        """Move an item on that cannot be looked after, or is none of ours: it would stand first for ever."""
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
            self._transitions.dispatch(task)
        else:
            self._cloud.queue.send(task)

    def _check_execution(self, task: TaskEntity) -> None:
        running = self._cloud.executions.is_running(task)
        if running:
            return
        if running is None:
            logger.warning("the execution is missing, or its lane has died: it starts", extra=task_keys(task))
            self._cloud.executions.start(task)
            return
        self._transitions.fail(task, WorkerLost("its execution has ended without it; retry it"))
