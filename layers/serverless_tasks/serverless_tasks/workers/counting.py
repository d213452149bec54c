"""Counts a finished chunk on its parent, once, whoever says so and however often."""

from __future__ import annotations

from datetime import datetime

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core import chunks
from serverless_tasks.core.chunks import Chunk
from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.errors import LostRace
from serverless_tasks.workers.log import logger, task_keys


def count_chunk(cloud: Cloud, task: TaskEntity, chunk: Chunk, now: datetime) -> None:
    """Add the chunk to the task's counters, unless it is in them or the task has ended."""
    try:
        cloud.table.update(chunks.progress(task, chunk, now))
    except LostRace:
        logger.info("counted before, or the task has ended", extra={**task_keys(task), "chunk": chunk.number})
