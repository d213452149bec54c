"""The relay: reads status changes from the table's stream and says them to whom they concern.

The stream is the outbox. What is written is sent at least once, and nothing is sent before it is written: a record that
comes twice sends its message twice, which every receiver is built for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.in_batches import Failures
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.classic.event_classes import EventFactory
from serverless_tasks.core.errors import LostRace, MalformedMessage
from serverless_tasks.core.outbox import undelivered
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey, is_code, is_name
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.times import Clock
from serverless_tasks.workers.dispatching import follow_up
from serverless_tasks.workers.telling import tell_on_the_way, tell_the_ends

Record = Mapping[str, Any]

_ACTED_UPON = {TaskStatus.CREATED, TaskStatus.CANCELLED}


class Relay:
    """From stream records to queue, state machine and topics."""

    def __init__(
        self, cloud: Cloud, events: EventFactory | None = None, clock: Clock = utc_now, threads: int = 1
    ) -> None:
        self._cloud = cloud
        self._events = events or EventFactory()
        self._clock = clock
        self._threads = threads

    def handle(self, records: Sequence[Record]) -> list[Record]:
        """Pass a batch on; returns the records that must be delivered again.

        Records of one task go in their order: the first of each task together, then the second ones, and so on. Where
        one fails, those behind it wait for it; all others go on.
        """
        failed: list[Record] = []
        waiting: dict[TaskKey, list[tuple[Record, TaskEntity]]] = {}
        for record in records:
            try:
                task = self._read(record)
            except Exception:
                logger.exception("a record cannot be read and is delivered again")
                failed.append(record)
            else:
                if task is not None:
                    waiting.setdefault(task.key, []).append((record, task))
        while waiting:
            again = self._pass_on([changes[0][1] for changes in waiting.values()])
            failed += [record for key in again for record, _ in waiting[key]]
            waiting = {key: rest for key, (_, *rest) in waiting.items() if rest and key not in again}
        return failed

    def _read(self, record: Record) -> TaskEntity | None:
        """The task of a record, if it is one whose status the relay acts on."""
        try:
            [event] = self._events.transform_dynamodb_stream({"Records": [record]})
        except MalformedMessage as error:
            logger.warning("ignored a foreign record", extra={"reason": str(error)[:500]})
            return None
        task = event.task_entity
        if task is None or task.change != "status" or task.status not in self._cloud.settings.relayed:
            return None
        if not (is_name(task.tenant_code) and is_name(task.type) and is_code(task.code)):
            # SQS and SNS would refuse a whole batch because of one such name.
            logger.warning("ignored a foreign record", extra={"reason": f"{task.id[:500]} is no key of a task"})
            return None
        return task

    def _pass_on(self, tasks: Sequence[TaskEntity]) -> Failures:
        """One change of each task; returns what must come again."""
        failures = self._send([task for task in tasks if task.status is TaskStatus.CREATED])
        failures |= self._each(self._act, [task for task in _without(failures, tasks) if task.status in _ACTED_UPON])
        failures |= self._tell(_without(failures, tasks))
        for task in tasks:
            if error := failures.get(task.key):
                logger.error("a record failed and is delivered again", exc_info=error, extra=task_keys(task))
        if passed := _without(failures, tasks):
            logger.info("passed on", extra={"tasks": [task_keys(task) for task in passed]})
        return failures

    def _send(self, new: Sequence[TaskEntity]) -> Failures:
        single = [task for task in new if task.kind is TaskKind.TASK]
        return self._cloud.queue.send_all(single) if single else {}

    def _act(self, task: TaskEntity) -> None:
        """What takes a call for each task."""
        if task.status is TaskStatus.CREATED:
            follow_up(self._cloud, task, self._clock())
        elif task.execution_arn:
            self._cloud.executions.stop(task)

    def _tell(self, tasks: Sequence[TaskEntity]) -> Failures:
        """What a topic does not take of an end is left to the sweeper.

        To fail the record would hold up every later one of its shard, and deliver those of its batch again.
        """
        ended = [(task, undelivered.concerned(task)) for task in tasks if task.status.terminal]
        left = tell_the_ends(self._cloud, ended)
        if self._cloud.settings.status_messages == "all":
            # An error is logged and no more: delivered again, the record would dispatch its task again.
            tell_on_the_way(self._cloud, [task for task in tasks if not task.status.terminal])
        return self._each(
            lambda task: self._remember(task, left[task.key]), [task for task, _ in ended if task.key in left]
        )

    def _remember(self, task: TaskEntity, left: Sequence[undelivered.Topic]) -> None:
        with suppress(LostRace):  # the record came twice
            self._cloud.table.update(undelivered.owed(task, left, self._clock()))

    def _each(self, act: Callable[[TaskEntity], None], tasks: Sequence[TaskEntity]) -> Failures:
        """Do it for each task, several at once; returns those for which it failed."""

        def attempted(task: TaskEntity) -> Exception | None:
            try:
                act(task)
            except Exception as error:
                return error
            return None

        if len(tasks) == 1 or self._threads == 1:
            errors = [attempted(task) for task in tasks]
        else:
            from concurrent.futures import ThreadPoolExecutor  # not at the start: a lone record does without

            with ThreadPoolExecutor(self._threads) as pool:
                errors = list(pool.map(attempted, tasks))
        return {task.key: error for task, error in zip(tasks, errors, strict=True) if error}


def _without(failures: Failures, tasks: Sequence[TaskEntity]) -> list[TaskEntity]:
    return [task for task in tasks if task.key not in failures]
