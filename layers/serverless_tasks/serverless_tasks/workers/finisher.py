"""Finish: counts the outcomes of a Step Functions task, runs its fan-in, and decides how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, assert_never, cast
from uuid import uuid4

from serverless_tasks.adapters.clock import chance, utc_now
from serverless_tasks.adapters.cloud import UNREAD, Cloud
from serverless_tasks.adapters.log import key_keys, logger, task_keys
from serverless_tasks.adapters.payloads import Reference
from serverless_tasks.core.errors import (
    LostRace,
    NoHandler,
    PayloadMissing,
    SubTasksFailed,
    WorkerLost,
)
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.fan_out.outcomes import Outcomes
from serverless_tasks.core.inputs.stored_list import StoredList
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types import failures
from serverless_tasks.core.task_types.arguments import StepFunctionTaskEvent
from serverless_tasks.core.task_types.task_type import Policy, policy_of
from serverless_tasks.core.times import Clock
from serverless_tasks.core.usage.amounts import FINISH, LOOK, lane_time
from serverless_tasks.store.chunks import load_lines
from serverless_tasks.store.inputs import every_element
from serverless_tasks.store.transitions import Transitions
from serverless_tasks.workers.user_code.routing import HandlerRouter, no_handler
from serverless_tasks.workers.user_code.runner import (
    CLOSING_SECONDS,
    Ended,
    Raised,
    Returned,
    TimedOut,
    Unwinding,
    Unwound,
    call_handler,
    run_within,
)

Read = TypeVar("Read")
OVER: Mapping[str, Any] = {}
HAND_OVER: Mapping[str, Any] = {"next": "hand-over"}


class BucketUnread(Exception):
    """The bucket could not be read. The state machine tries this state again, for longer than any other (its Retry)."""


class _Unread(Unwinding):
    """The same inside of a fan-in, which it is no failure of."""


class Finisher:
    """What the state machine's Finish and GiveUp states call."""

    def __init__(
        self,
        cloud: Cloud,
        router: HandlerRouter,
        clock: Clock = utc_now,
        rand: Callable[[], float] = chance,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cloud = cloud
        self._router = router
        self._clock = clock
        self._random = rand
        self._sleep = sleep
        self._transitions = Transitions(cloud, clock)

    def handle(self, call: Mapping[str, Any], remaining: Callable[[], float]) -> Mapping[str, Any]:
        """End the task of a call ``{"pk", "sk", "run", "failure"?, "laneBeganAt"?}``. Called again, it goes on.

        ``laneBeganAt``: a lane calls, which began then. It is told if chunks are left: ``{"next": "hand-over"}``.
        """
        key = TaskKey(call["pk"], call["sk"])
        task = self._cloud.table.get(key)
        if task is None or task.run != call["run"] or task.status.terminal:
            logger.info("nothing to finish", extra={**key_keys(key), "run": call["run"]})
            return OVER
        if failure := call.get("failure"):
            cause = f"{failure.get('Error', 'failure')}: {failure.get('Cause', '')}"
            self._transitions.fail(task, WorkerLost(f"the state machine gave up. {cause}"))
            return OVER
        try:
            self._finish(task, call, remaining)
        except _Unread as error:
            raise BucketUnread(f"{error.__cause__}") from error.__cause__
        except LostRace:
            logger.info("the task was ended meanwhile", extra=task_keys(task))
        except WorkerLost as error:  # chunks are left: after a plan an error, in a lane the usual thing
            if "laneBeganAt" not in call:
                raise
            logger.info("handed over: %s", error, extra=task_keys(task))
            return HAND_OVER
        return OVER

    def _finish(self, task: TaskEntity, call: Mapping[str, Any], remaining: Callable[[], float]) -> None:
        found = list(self._cloud.table.chunks(task.tenant_code, task.code))
        counts, done = chunks.recount(found, task.run)
        if len(done) < len(found):
            raise WorkerLost(f"{len(found) - len(done)} chunks have not ended")
        count = task.attributes.get("subTaskCount")
        if count is None:
            return self._transitions.fail(task, PayloadMissing("it was never cut into chunks; retry it, and it is"))
        if not chunks.are_all(found, count):
            return self._transitions.fail(task, _not_all(found, count))
        if task.policy is None and self._router.lacks_sub_task_handler(task):
            # Begun by older code: whether there was a fan-in, only the code can say.
            return self._transitions.fail(task, no_handler(task.type))
        if task.status is not TaskStatus.FINISHED:
            self._note(task, call)
            task = self._transitions.write(task, transitions.finished(task, self._clock(), counts))
        policy, failed_count = Policy.of(task), counts["subTaskFailedCount"]
        if not policy.tolerates(failed_count, count):
            return self._transitions.fail(task, self._sub_tasks_failed(task, found, failed_count, count, policy))
        return self._fan_in(task, found, counts, remaining) if policy.fan_in else self._complete(task, None, counts)

    def _note(self, task: TaskEntity, call: Mapping[str, Any]) -> None:
        """Later plans write nothing that could record their usage. Each has used as much as finish has so far."""
        if began_at := call.get("laneBeganAt"):
            return self._cloud.meter.note(lane_time(self._clock(), began_at), task.code)
        looks = call.get("plan", {}).get("looks", 0)
        self._cloud.meter.note_again(task.code, looks)
        return self._cloud.meter.note(LOOK.times(looks) + FINISH, task.code)

    def _fan_in(
        self, task: TaskEntity, found: list[Chunk], counts: Mapping[str, int], remaining: Callable[[], float]
    ) -> None:
        task_type = policy_of(task.type)
        if (handler := task_type.finished_handler) is None:
            lacks = f"no fan-in for task type '{task.type}', which had one when the run began"
            return self._transitions.fail(task, NoHandler(lacks))
        event = self._event(task)

        def run() -> Ended:
            seconds = min(task_type.timeout, remaining() - CLOSING_SECONDS)
            with logger.append_context_keys(**task_keys(task)):  # on the fan-in's own lines, too
                return run_within(seconds, lambda: call_handler(handler, event, self._outcomes(task, found)))

        attempt, ended = 1, run()
        while self._is_tried_again(task, ended, attempt, remaining):
            attempt, ended = attempt + 1, run()
        match ended:
            case Returned(text):
                return self._complete(task, text, counts)
            case TimedOut(by):
                from serverless_tasks.workers.user_code.places import timeout_error

                error = timeout_error("the fan-in ran too long", by)
                logger.error("the fan-in ran too long", exc_info=error, extra=task_keys(task))
                return self._transitions.fail(task, error)
            case Raised(error):
                return self._transitions.fail(task, error)
            case Unwound(by):
                raise by
        assert_never(ended)

    def _is_tried_again(self, task: TaskEntity, ended: Ended, attempt: int, remaining: Callable[[], float]) -> bool:
        """Log a failure, and wait for the next attempt where there is one, and time for it."""
        if not isinstance(ended, Raised) or ended.permanent:
            return False
        logger.exception("the fan-in failed", exc_info=ended.error, extra={**task_keys(task), "fanInAttempt": attempt})
        delay = policy_of(task.type).backoff.delay(attempt, self._random)
        if attempt == Policy.of(task).max_attempts or delay > remaining() - 2 * CLOSING_SECONDS:
            return False
        self._sleep(delay)
        return True

    def _event(self, task: TaskEntity) -> StepFunctionTaskEvent:
        call = {
            "taskEntity": task,
            "index": None,
            "input": self._input(task),
            "context": {"run": task.run, "executionArn": task.execution_arn},
        }
        return StepFunctionTaskEvent.from_call(call)

    def _input(self, task: TaskEntity) -> Sequence[Any]:
        """The whole list; one in the bucket is read by a fan-in that wants it, and as it wants it."""
        if task.input_ref is None:
            return cast("list[Any]", task.input)
        return StoredList(
            task.attributes["subTaskCount"], lambda: _read(lambda: every_element(self._cloud.payloads, task))
        )

    def _outcomes(self, task: TaskEntity, found: list[Chunk]) -> Outcomes:
        def lines(position: int) -> Iterator[str]:
            return _read(partial(load_lines, self._cloud.payloads, found[position]))

        return Outcomes([chunk.range for chunk in found], lines, task.run, self._load)

    def _load(self, reference: Reference) -> Any:
        return next(_read(lambda: [self._cloud.payloads.load(reference)]))

    def _sub_tasks_failed(
        self, task: TaskEntity, found: list[Chunk], failed: int, count: int, policy: Policy
    ) -> SubTasksFailed:
        with_failures = [chunk for chunk in found if chunk.failed]
        first = next(o for o in self._outcomes(task, with_failures) if o.status is TaskStatus.FAILED)
        error = failures.reason(dict(first.error or {}))
        tolerated = policy.tolerated_failures
        summary = f"{failed} of {count} sub-tasks failed, {tolerated} tolerated"
        return SubTasksFailed(f"{summary}; sub-task {first.index}: {error}")

    def _complete(self, task: TaskEntity, text: str | None, counts: Mapping[str, int]) -> None:
        """End the task with the fan-in's result, or with none where its type has no fan-in.

        Where a manual update made it FINISHED, its counters may not say what its chunks do.
        """
        what = f"result-{task.run}-{uuid4().hex}.json"  # two fan-ins may run at once, and one of them wins
        stored = {} if text is None else self._cloud.payloads.inline_or_stored("result", text, task, what)
        others = {name: count for name, count in counts.items() if task.attributes.get(name) != count}
        self._transitions.complete(task, {**stored, **others})


def _not_all(found: Sequence[Chunk], count: int) -> PayloadMissing:
    """Why its chunks are not each element once. Those that an older version cut twice cannot be mended."""
    if sum(chunk.range.count for chunk in found) < count:
        return PayloadMissing("chunks of it have expired; retry it, and they are cut anew")
    return PayloadMissing("its chunks overlap, so that sub-tasks were counted twice; create the task anew")


def _read(items: Callable[[], Iterable[Read]]) -> Iterator[Read]:
    """What the bucket gives. Raises :class:`_Unread` where it may another time, and everything else as it is."""
    try:
        yield from items()
    except UNREAD as error:
        raise _Unread from error
