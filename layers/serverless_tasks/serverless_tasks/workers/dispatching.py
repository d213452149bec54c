"""Sends a new task on its way and says so afterwards: a crash in between sends it twice, never not at all."""

from __future__ import annotations

from datetime import datetime

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core import transitions
from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.status import TaskKind
from serverless_tasks.workers.log import logger, task_keys


def dispatch(cloud: Cloud, task: TaskEntity, now: datetime) -> None:
    """Put a CREATED task on the queue, or start its execution, and write QUEUED or STARTED."""
    if task.kind is TaskKind.TASK:
        cloud.queue.send(task)
        update = transitions.queued(task, now)
    else:
        update = transitions.started(task, now, cloud.executions.start(task))
    try:
        cloud.table.update(update)
    except LostRace:
        # A fast worker has the task already, or it was dispatched before: the later status stands.
        logger.info("a late dispatch hides nothing", extra=task_keys(task))
