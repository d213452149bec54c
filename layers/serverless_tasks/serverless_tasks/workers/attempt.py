"""One attempt of a single task, from its input to how it ended. Nothing here writes a transition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from serverless_tasks.adapters.cloud import UNREAD, Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.errors import InvalidInput, LostRace, PermanentError
from serverless_tasks.core.inputs.json_text import CHECKPOINT_LIMIT, from_json_text, size, to_json_text
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types.context import TaskContext
from serverless_tasks.core.task_types.events import TaskQueueEvent
from serverless_tasks.core.times import Clock, after, from_iso, to_iso
from serverless_tasks.workers.user_code.routing import HandlerRouter
from serverless_tasks.workers.user_code.runner import (
    CLOSING_SECONDS,
    LEASE_MARGIN,
    DeadlineReached,
    Ended,
    Raised,
    Returned,
    TimedOut,
    Unwinding,
    Unwound,
    Watch,
    call,
    run_within,
)

HAND_OVER_SECONDS = 60.0
"""A checkpoint with less than this left of the invocation ends it, or with less than a tenth of a short one."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The handler returned; ``result`` is ``{"result": text}`` or ``{"resultRef": reference}``."""

    task: TaskEntity
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised, ran too long, or returned what is not JSON."""

    task: TaskEntity
    error: BaseException
    permanent: bool


@dataclass(frozen=True, slots=True)
class Continues:
    """The handler is to go on from its checkpoint in another invocation."""

    task: TaskEntity


@dataclass(frozen=True, slots=True)
class Unread:
    """The bucket did not give what the handler begins with, and may another time; no user code has run."""

    task: TaskEntity
    error: Exception


@dataclass(frozen=True, slots=True)
class Lost:
    """The task was ended or taken over while the handler ran."""

    task: TaskEntity


class HandOver(Unwinding):
    """Unwinds the handler at a checkpoint when the invocation's time is nearly up."""


class Stop(Unwinding):
    """Unwinds the handler when the task is no longer this worker's."""


class Attempt:
    """Runs the handler of one claimed task within its time."""

    def __init__(self, cloud: Cloud, router: HandlerRouter, clock: Clock, remaining: Any, timeout: float) -> None:
        self._cloud = cloud
        self._router = router
        self._clock = clock
        self._remaining = remaining
        self._timeout = timeout
        self._hand_over = min(HAND_OVER_SECONDS, 0.1 * remaining())
        self._task: TaskEntity
        self._slot = 0
        self._watch = Watch(self._is_mine, clock)

    def lease_until(self, task: TaskEntity, now: datetime) -> datetime:
        """When a worker that claims the task now can be believed dead: its invocation or its attempt is over."""
        started = to_iso(transitions.attempt_start(task, now))
        longest = min(self._remaining(), self._attempt_left(started, now) + CLOSING_SECONDS)
        return after(now, longest + LEASE_MARGIN)

    def run(self, task: TaskEntity, event: TaskQueueEvent) -> Completed | Failed | Continues | Unread | Lost:
        """Load the input, run the handler, store the result. Errors of AWS after it pass through."""
        self._task = task
        if self._left() <= 0:
            return self._timed_out()
        try:
            value, context = self._load(task.input_text, task.input_ref), self._context(task)
        except PermanentError as error:  # the bucket does not have it any more
            return Failed(task, error, permanent=True)
        except UNREAD as error:
            return Unread(task, error)
        event = replace(event, task_entity=task, input=value)
        return self._outcome(run_within(self._left(), lambda: call(self._router.resolve(event), context)))

    def _outcome(self, ended: Ended) -> Completed | Failed | Continues | Lost:
        match ended:
            case Returned(text):
                return self._completed(text)
            case TimedOut(by):
                return self._timed_out(by)
            case Raised(error, permanent):
                if not permanent:
                    logger.exception("the handler failed", exc_info=error, extra=task_keys(self._task))
                return Failed(self._task, error, permanent)
            case Unwound(HandOver()):
                return Continues(self._task)
            case Unwound(Stop()):
                return Lost(self._task)
            case Unwound(by):
                raise by
        assert_never(ended)

    def _completed(self, text: str) -> Completed:
        what = f"result-{self._task.version}.json"
        return Completed(self._task, self._cloud.payloads.inline_or_stored("result", text, self._task, what))

    def _context(self, task: TaskEntity) -> TaskContext:
        attributes = task.attributes
        return TaskContext(
            attempt=task.attempt,
            run=task.run,
            idempotency_key=task.id,
            state=self._load(attributes.get("checkpoint"), attributes.get("checkpointRef")),
            remaining_time=self._left,
            is_cancelled=self._watch.is_gone,
            save=self._save,
        )

    def _load(self, text: str | None, reference: Any) -> Any:
        if reference is not None:
            return self._cloud.payloads.load(reference)
        return None if text is None else from_json_text(text)

    def _save(self, state: Any, progress: float | None) -> None:
        text = to_json_text(state, "state")
        if size(text) > CHECKPOINT_LIMIT:
            raise InvalidInput(
                "state", f"has {size(text)} bytes, {CHECKPOINT_LIMIT} are allowed; store it and keep its key"
            )
        what = f"checkpoint-{self._task.version}-{self._slot}.json"
        stored = self._cloud.payloads.inline_or_stored("checkpoint", text, self._task, what)
        sets = {f"attributes.{name}": value for name, value in stored.items()}
        if progress is not None:  # an attempt that begins anew is behind the last one: shown progress never falls
            sets["attributes.progress"] = max(progress, self._task.progress or 0)
        other = "attributes.checkpoint" if "checkpointRef" in stored else "attributes.checkpointRef"
        try:
            update = transitions.worker_data(self._task, self._clock(), sets, (other,))
            self._task = self._cloud.table.update_task(update, self._task)
        except LostRace:
            raise Stop from None
        except BaseException:
            self._slot += 2  # whether it was written is not known: neither of the two may be touched again
            raise
        self._slot ^= 1
        if self._remaining() - CLOSING_SECONDS < self._hand_over:
            raise HandOver

    def _is_mine(self) -> bool:
        found = self._cloud.table.get(self._task.key)
        mine = (TaskStatus.PROCESSING, self._task.run, self._task.attempt)
        return found is not None and (found.status, found.run, found.attempt) == mine

    def _left(self) -> float:
        attempt_left = self._attempt_left(self._task.attempt_started_at, self._clock())
        return float(min(self._remaining() - CLOSING_SECONDS, attempt_left))

    def _attempt_left(self, started_at: str | None, now: datetime) -> float:
        if started_at is None:
            return self._timeout
        return self._timeout - (now - from_iso(started_at)).total_seconds()

    def _timed_out(self, by: DeadlineReached | None = None) -> Failed:
        from serverless_tasks.workers.user_code.places import timeout_error

        own = self._attempt_left(self._task.attempt_started_at, self._clock()) <= CLOSING_SECONDS
        limit = f"{self._timeout:g} s" if own else "its invocation; save checkpoints, and it goes on in another one"
        error = timeout_error(f"the attempt ran longer than {limit}", by)
        logger.error("the handler ran too long", exc_info=error, extra=task_keys(self._task))
        return Failed(self._task, error, permanent=False)
