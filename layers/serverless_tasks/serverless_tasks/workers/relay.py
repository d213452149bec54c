"""The relay: reads status changes from the table's stream and says them to whom they concern.

The stream is the outbox. What is written is sent at least once, and nothing is sent before it is written: a record that
comes twice sends its message twice, which every receiver is built for.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core import transitions
from serverless_tasks.core.entity import TaskEntity
from serverless_tasks.core.errors import InvalidInput, LostRace, MalformedMessage
from serverless_tasks.core.factories import EventFactory
from serverless_tasks.core.status import TaskStatus
from serverless_tasks.core.times import Clock, after
from serverless_tasks.workers.dispatching import dispatch
from serverless_tasks.workers.log import logger, task_keys
from serverless_tasks.workers.telling import tell_the_end

TELL_AGAIN_SECONDS = 60
"""After a topic did not take the end of a task, when the sweeper tells it."""


class Relay:
    """From stream records to queue, state machine and topics."""

    def __init__(self, cloud: Cloud, events: EventFactory | None = None, clock: Clock = utc_now) -> None:
        self._cloud = cloud
        self._events = events or EventFactory()
        self._clock = clock

    def handle(self, record: Mapping[str, Any]) -> None:
        """Pass one stream record on. An error of AWS comes through, so that the record is delivered again."""
        try:
            [event] = self._events.transform_dynamodb_stream({"Records": [record]})
        except MalformedMessage as error:
            return logger.warning("ignored a foreign record", extra={"reason": str(error)[:500]})
        task = event.task_entity
        if task is None or task.change != "status":
            return None
        try:
            return self._pass_on(task)
        except InvalidInput as error:
            return logger.warning("ignored a foreign record", extra={"reason": str(error)[:500]})

    def _pass_on(self, task: TaskEntity) -> None:
        if task.status is TaskStatus.CREATED:
            dispatch(self._cloud, task, self._clock())
        if task.status is TaskStatus.CANCELLED and task.execution_arn:
            self._cloud.executions.stop(task)
        if task.status.terminal:
            self._tell_the_end(task)
        elif self._cloud.settings.status_messages == "all":
            self._tell_on_the_way(task)
        logger.info("passed on", extra=task_keys(task))

    def _tell_the_end(self, task: TaskEntity) -> None:
        """What a topic does not take is left to the sweeper.

        To fail the record would hold up every later one of its shard, and deliver those of its batch again.
        """
        try:
            tell_the_end(self._cloud, task)
        except Exception:
            logger.exception("the end is to be told later", extra=task_keys(task))
            now = self._clock()
            with suppress(LostRace):  # retried meanwhile: its end is not the news any more
                self._cloud.table.update(transitions.tell_later(task, now, after(now, TELL_AGAIN_SECONDS)))

    def _tell_on_the_way(self, task: TaskEntity) -> None:
        """An error is logged and no more: delivered again, the record would dispatch its task again."""
        try:
            self._cloud.topics.publish_status(task)
        except Exception:
            logger.exception("a status message is lost", extra=task_keys(task))
