"""The relay: reads status changes from the table's stream, and passes them on to queue, state machine and sinks.

The stream is the outbox. Every change that is written is sent at least once, and none is sent before it is written. A
record that comes twice sends its message twice, which every receiver is built for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.errors import LostRace, MalformedMessage
from serverless_tasks.core.outbox import stream_records, undelivered
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey, is_code, is_name
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.times import Clock
from serverless_tasks.store.transitions import Transitions, log_passed_on
from serverless_tasks.workers.notifications import publish

if TYPE_CHECKING:
    from serverless_tasks.adapters.in_batches import Failures
    from serverless_tasks.classic.event_classes import EventFactory

Record = Mapping[str, Any]
Call = Callable[[TaskEntity], None]


class Relay:
    """From stream records to queue, state machine and sinks."""

    def __init__(
        self, cloud: Cloud, events: EventFactory | None = None, clock: Clock = utc_now, threads: int = 1
    ) -> None:
        self._cloud = cloud
        self._events = events
        self._clock = clock
        self._transitions = Transitions(cloud, clock)
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

    def keep_ends(self, records: Sequence[Record]) -> None:
        """Leave the ends among records that the stream gave up to the sweeper, as if every sink had refused them.

        The other records need nothing: no sink is for them, or their tasks are open, and the sweeper looks at them.
        """
        for task in filter(None, map(self._read, records)):
            sinks = [sink.name for sink in self._cloud.sinks if sink.is_for(task)]
            if sinks and task.status.terminal:
                self._remember(task, sinks)

    def _read(self, record: Record) -> TaskEntity | None:
        """The task of a record, if it is one whose status the relay acts on."""
        try:
            task = self._task_of(record)
        except MalformedMessage as error:
            logger.warning("ignored a foreign record", extra={"reason": str(error)[:500]})
            return None
        if task is None or task.change != "status" or task.status not in self._cloud.settings.relayed:
            return None
        if not (is_name(task.tenant_code) and is_name(task.type) and is_code(task.code)):
            # SQS and SNS would refuse a whole batch because of one such name.
            logger.warning("ignored a foreign record", extra={"reason": f"{task.id[:500]} is no key of a task"})
            return None
        return task

    def _task_of(self, record: Record) -> TaskEntity | None:
        if self._events is None:
            return stream_records.task_of(record)
        [event] = self._events.transform_dynamodb_stream({"Records": [record]})
        return event.task_entity

    def _pass_on(self, tasks: Sequence[TaskEntity]) -> Failures:
        """One change of each task; returns what must come again."""
        failures = self._send([task for task in tasks if task.status is TaskStatus.CREATED])
        calls = [(task, call) for task in _without(failures, tasks) if (call := self._call_for(task.status))]
        failures |= self._each(calls)
        failures |= self._publish(_without(failures, tasks))
        for task in tasks:
            if error := failures.get(task.key):
                logger.error("a record failed and is delivered again", exc_info=error, extra=task_keys(task))
        log_passed_on(_without(failures, tasks), self._cloud.settings)
        return failures

    def _send(self, new: Sequence[TaskEntity]) -> Failures:
        single = [task for task in new if task.kind is TaskKind.TASK]
        return self._cloud.queue.send_all(single) if single else {}

    def _call_for(self, status: TaskStatus) -> Call | None:
        """The call, for each task alone, that a status asks for. All others are published, and no more."""
        match status:
            case TaskStatus.CREATED:
                return self._transitions.follow_up
            case TaskStatus.CANCELLED:
                return self._stop
            case TaskStatus.QUEUED | TaskStatus.STARTED | TaskStatus.PROCESSING | TaskStatus.ERRORED:
                return None
            case TaskStatus.FINISHED | TaskStatus.COMPLETED | TaskStatus.FAILED:
                return None
            case _:
                assert_never(status)

    def _stop(self, task: TaskEntity) -> None:
        if task.execution_arn:
            self._cloud.executions.stop(task)

    def _publish(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Leave an end that a sink does not take to the sweeper, and lose any other status.

        A record that failed for it would hold up every later one of its shard, and dispatch its task again.
        """
        refused = publish(self._cloud.sinks, tasks)
        left = [task for task in tasks if task.status.terminal and task.key in refused]
        return self._each([(task, partial(self._remember, sinks=refused[task.key])) for task in left])

    def _remember(self, task: TaskEntity, sinks: Sequence[str]) -> None:
        with suppress(LostRace):  # the record came twice
            self._cloud.table.update(undelivered.refused(task, sinks, self._clock()))

    def _each(self, calls: Sequence[tuple[TaskEntity, Call]]) -> Failures:
        """Make each call with its task, several at once; returns the failures."""

        def attempted(task: TaskEntity, call: Call) -> Exception | None:
            try:
                call(task)
            except Exception as error:
                return error
            return None

        if len(calls) <= 1 or self._threads == 1:
            errors = [attempted(*each) for each in calls]
        else:
            from concurrent.futures import ThreadPoolExecutor  # not at the start: a lone record does without

            with ThreadPoolExecutor(self._threads) as pool:
                errors = list(pool.map(attempted, *zip(*calls, strict=True)))
        return {task.key: error for (task, _), error in zip(calls, errors, strict=True) if error}


def _without(failures: Failures, tasks: Sequence[TaskEntity]) -> list[TaskEntity]:
    return [task for task in tasks if task.key not in failures]
