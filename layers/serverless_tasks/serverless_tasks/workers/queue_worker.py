"""The queue worker: takes one message, runs one attempt of a single task, writes how it ended.

    claim ── handler ──> COMPLETED                                acknowledge
                  ├────> ERRORED, hide until the next attempt     return the message
                  ├────> QUEUED, attempt goes on elsewhere        return the message, also where the bucket is not read
                  └────> FAILED                                   acknowledge

A worker that dies anywhere leaves a lease and a hidden message; both end, and the next worker decides from the task.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from serverless_tasks.adapters.clock import chance, utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import key_keys, logger, task_keys
from serverless_tasks.adapters.queue import RECEIVED, is_worn_out
from serverless_tasks.core.errors import AttemptsUsedUp, InvalidInput, LostRace, MalformedMessage, WorkerLost
from serverless_tasks.core.task import decisions, transitions
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types import failures
from serverless_tasks.core.task_types.arguments import TaskQueueEvent
from serverless_tasks.core.task_types.task_type import Policy, TaskType, policy_of
from serverless_tasks.core.times import Clock, after
from serverless_tasks.store.transitions import Transitions
from serverless_tasks.workers.attempt import Attempt, Completed, Continues, Failed, Lost, Unread
from serverless_tasks.workers.batches import Redeliver
from serverless_tasks.workers.user_code.routing import HandlerRouter, no_handler
from serverless_tasks.workers.user_code.runner import Unwinding

CLAIM_TRIES = 5
"""How often a claim that lost a race is decided anew; the relay's late QUEUED is the usual one, and it comes once."""
RemainingSeconds = Callable[[], float]
Work = Callable[[TaskEntity, TaskType], None]
"""Works on a task that this message may take, under its policy."""


class QueueWorker:
    """Runs single tasks."""

    def __init__(
        self,
        cloud: Cloud,
        router: HandlerRouter,
        clock: Clock = utc_now,
        rand: Callable[[], float] = chance,
    ) -> None:
        self._cloud = cloud
        self._router = router
        self._clock = clock
        self._random = rand
        self._transitions = Transitions(cloud, clock)

    def handle(self, record: Mapping[str, Any], remaining: RemainingSeconds) -> None:
        """Work off one SQS record; returning acknowledges it. Raises :class:`Redeliver` when it must come back."""
        try:
            return self._work_off(record, remaining)
        except Redeliver:
            if not is_worn_out(record):
                raise
            # Each wait takes a receive, and a healthy task may have more of them than SQS allows a message.
            logger.info("acknowledged, the sweeper sends another", extra={"messageId": record.get("messageId")})
        except Exception:
            # An error of AWS, at any point. The next delivery decides from the task, and should come soon.
            self._hide(record, decisions.VISIBILITY_MARGIN)
            raise

    def _work_off(self, record: Mapping[str, Any], remaining: RemainingSeconds) -> None:
        try:
            event = self._event(record)
        except Unwinding:
            raise
        except BaseException as error:
            from serverless_tasks.workers.user_code.deadlines import readable

            return self._refuse(record, readable(error), remaining)
        return self._decide(event, lambda task, policy: self._run(task, event, policy, remaining), remaining)

    def _event(self, record: Mapping[str, Any]) -> TaskQueueEvent:
        events = list(self._router.task_events(record) or ())
        if len(events) != 1 or not isinstance(events[0], TaskQueueEvent):
            kinds = [type(event).__name__ for event in events]
            raise InvalidInput("EventFactory", f"must make one TaskQueueEvent of a message, not {kinds}"[:500])
        return events[0]

    def _refuse(self, record: Mapping[str, Any], error: BaseException, remaining: RemainingSeconds) -> None:
        """End the task that the message names with the error of the fork's factory, as those of its handlers do.

        A dead letter would leave the task open for ever. Only a message that names no task becomes one.
        """
        try:
            event = TaskQueueEvent.from_sqs_record(record)
        except MalformedMessage as malformed:
            known = isinstance(error, MalformedMessage)
            kept = failures.describe(error)
            return self._dead_letter(record, (kept["message"] if known else failures.reason(kept)) or str(malformed))
        logger.error("the EventFactory failed", exc_info=error, extra=key_keys(event.task_key))
        return self._decide(event, lambda task, _: self._transitions.fail(task, error), remaining)

    def _decide(self, event: TaskQueueEvent, work: Work, remaining: RemainingSeconds) -> None:
        self._cloud.meter.note(RECEIVED, event.task_key.code)
        for _ in range(CLAIM_TRIES):
            task = self._cloud.table.get(event.task_key)
            if task is None:
                return self._dead_letter(event.record, "there is no such task")
            try:
                return self._act(task, event, work, remaining)
            except LostRace:
                logger.info("lost a race, looking again", extra=task_keys(task))
        return self._return(event, decisions.VISIBILITY_MARGIN)

    def _dead_letter(self, record: Mapping[str, Any], reason: str) -> None:
        logger.error("message dead-lettered", extra={"reason": reason, "messageId": record.get("messageId")})
        self._cloud.queue.dead_letter(record, reason)

    def _act(self, task: TaskEntity, event: TaskQueueEvent, work: Work, remaining: RemainingSeconds) -> None:
        policy, max_attempts = policy_of(task.type), Policy.of(task).max_attempts
        match decisions.decide(task, event.run, self._clock(), max_attempts):
            case decisions.Acknowledge(because):
                logger.info("acknowledged without work", extra={**task_keys(task), "because": because})
            case decisions.Wait(seconds, because):
                logger.info("not yet", extra={**task_keys(task), "because": because, "seconds": seconds})
                self._return(event, seconds)
            case decisions.GiveUp():
                self._give_up(task, self._why_lost(task, policy, remaining))
            case decisions.UsedUp():
                begun = f"{task.attempt} of {max_attempts} attempts were begun; a retry begins anew"
                self._transitions.fail(task, AttemptsUsedUp(begun))
            case decisions.Claim():
                work(task, policy)

    def _why_lost(self, task: TaskEntity, policy: TaskType, remaining: RemainingSeconds) -> str:
        """Why its last worker said no more; the line names the task, which those of a killed process cannot."""
        why = decisions.why_lost(task, remaining(), policy.heartbeat)
        logger.warning("the worker of an attempt was lost", extra={**task_keys(task), "reason": why})
        return why

    def _give_up(self, task: TaskEntity, why: str) -> None:
        died = f"the worker of attempt {task.attempt} died, was killed, or got no answer from AWS"
        over = f"the invocation of attempt {task.attempt} was over before its worker could end it"
        self._transitions.give_up(task, WorkerLost(over if why == decisions.OVER else died))

    def _run(self, task: TaskEntity, event: TaskQueueEvent, policy: TaskType, remaining: RemainingSeconds) -> None:
        if self._router.lacks_handler(event):
            return self._transitions.fail(task, no_handler(task.type))
        now = self._clock()
        attempt = Attempt(self._cloud, self._router, self._clock, remaining, policy)
        lease_until = attempt.lease_until(task, now)
        decides_by = Policy.of_code(task.type).to_item(task.kind)
        why = self._why_lost(task, policy, remaining) if task.status is TaskStatus.PROCESSING else None
        task = self._transitions.write(task, transitions.claimed(task, now, lease_until, decides_by, why))
        self._hide(event.record, (lease_until - now).total_seconds() + decisions.VISIBILITY_MARGIN)
        try:
            with Hiding(lambda seconds: self._hide(event.record, seconds)) as hiding:
                with logger.append_context_keys(**task_keys(task)):  # on the handler's own lines, too
                    outcome = attempt.run(task, event, hiding.keep)
                back_in = self._settle(outcome, policy)
        except LostRace:
            # Ended or taken over meanwhile, by a write that counts. The next delivery decides anew.
            logger.warning("lost the lease, the outcome is dropped", extra=task_keys(task))
            raise Redeliver("lost the lease") from None
        return None if back_in is None else self._return(event, back_in)

    def _settle(self, outcome: Completed | Continues | Failed | Unread | Lost, policy: TaskType) -> float | None:
        """Write how the attempt ended; returns the seconds after which its message must come back, if it must."""
        match outcome:
            case Completed(task, result):
                self._transitions.complete(task, result)
            case Continues(task):
                self._transitions.write(task, transitions.continued(task, self._clock()))
                return 0
            case Unread(task, error):
                return self._give_back(task, error, policy)
            case Failed(task, error, permanent):
                if not permanent and task.attempt < Policy.of(task).max_attempts:
                    delay = policy.backoff.delay(task.attempt, self._random)
                    self._transitions.retry_attempt(task, error, after(self._clock(), delay))
                    return delay
                self._transitions.fail(task, error)
            case Lost():
                raise LostRace("the task was ended or taken over", None)
        return None

    def _give_back(self, task: TaskEntity, error: Exception, policy: TaskType) -> float | None:
        """The attempt begins another time, as a chunk does. It is charged if the bucket stays closed for long."""
        unread = transitions.unread_in_a_row(task)
        if unread >= failures.MAX_FUTILE_CLAIMS:
            return self._settle(Failed(task, error, permanent=False), policy)
        logger.error("the bucket could not be read, the task is given back", exc_info=error, extra=task_keys(task))
        self._transitions.write(task, transitions.continued(task, self._clock(), transitions.UNREAD))
        return failures.unread_wait(unread)

    def _hide(self, record: Mapping[str, Any], seconds: float) -> None:
        """An error is logged and no more: it would cost the attempt, and a message that comes back early only waits."""
        try:
            self._cloud.queue.hide(record, seconds)
        except Exception:
            logger.exception(
                "the message keeps the queue's own visibility", extra={"messageId": record.get("messageId")}
            )

    def _return(self, event: TaskQueueEvent, seconds: float) -> None:
        self._hide(event.record, seconds)
        raise Redeliver(f"comes back in {seconds:.0f} s")


class Hiding(AbstractContextManager["Hiding"]):
    """Lets signs of life hide a message in its block, and not after it: then it is the next receiver's.

    The block is left when a call that is under way has ended: its outcome is written by then, and waits for nothing.
    """

    def __init__(self, hide: Callable[[float], None]) -> None:
        self._hide = hide
        self._lock = threading.Lock()
        self._over = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._over = True

    def keep(self, seconds: float) -> None:
        """Hide the message for so long."""
        with self._lock:
            if not self._over:
                self._hide(seconds)
