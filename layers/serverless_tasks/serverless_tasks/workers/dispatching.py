"""Sends a new task on its way and says so afterwards: a crash in between sends it twice, never not at all."""

from __future__ import annotations

from datetime import datetime

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskKind


def dispatch(cloud: Cloud, task: TaskEntity, now: datetime) -> None:
    """Put a CREATED task on the queue, or start its execution, and write QUEUED or STARTED."""
    if task.kind is TaskKind.TASK:
        cloud.queue.send(task)
    follow_up(cloud, task, now)


def follow_up(cloud: Cloud, task: TaskEntity, now: datetime) -> None:
    """What a CREATED task takes beside its message: write QUEUED, or start the execution and write STARTED."""
    if task.kind is TaskKind.TASK:
        _write(cloud, task, transitions.queued(task, now))
    else:
        _write(cloud, task, transitions.started(task, now, cloud.executions.start(task)))


def _write(cloud: Cloud, task: TaskEntity, update: Update) -> None:
    try:
        cloud.table.update(update)
    except LostRace:
        # A fast worker has the task already, or it was dispatched before: the later status stands.
        logger.info("a late dispatch hides nothing", extra=task_keys(task))
