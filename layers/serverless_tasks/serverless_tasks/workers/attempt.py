"""One attempt of a single task, from its input to how it ended. Nothing here writes a transition."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Any, assert_never

from serverless_tasks.adapters.cloud import UNREAD, Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.errors import InvalidInput, LostRace, PermanentError
from serverless_tasks.core.inputs.json_text import CHECKPOINT_LIMIT, from_json_text, size, to_json_text
from serverless_tasks.core.task import decisions, transitions
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task_types.arguments import TaskContext, TaskQueueEvent
from serverless_tasks.core.task_types.task_type import TaskType
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

LEASE_SECONDS = 120.0
"""A worker that gives no sign of life for so long is believed dead."""
PERIOD_SECONDS = 60.0
"""Between two signs of life."""
AGAIN_SECONDS = 10.0
"""After one that AWS did not take."""
JOIN_SECONDS = 3.0
"""The attempt waits so long at most for a sign of life that is under way: its invocation has 5 s for the last writes.
One that comes later is refused, and changes nothing."""
FRESH_SECONDS = 90.0
"""A lease that has so much left was renewed by a checkpoint a moment ago."""
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

    def __init__(self, cloud: Cloud, router: HandlerRouter, clock: Clock, remaining: Any, policy: TaskType) -> None:
        self._cloud = cloud
        self._router = router
        self._clock = clock
        self._remaining = remaining
        self._timeout: float = policy.timeout
        self._heartbeat = policy.heartbeat and _can_beat()
        self._hand_over = min(HAND_OVER_SECONDS, 0.1 * remaining())
        self._task: TaskEntity
        self._slot = 0
        self._watch = Watch(self._is_mine, clock)

    def lease_until(self, task: TaskEntity, now: datetime) -> datetime:
        """When a worker that claims the task now, and gives no sign of life after it, can be believed dead."""
        return self._lease(to_iso(transitions.attempt_start(task, now)), now)

    def _lease(self, started_at: str | None, now: datetime) -> datetime:
        """At most to the end of the invocation, or of the attempt."""
        longest = self._longest(started_at, now)
        return after(now, min(longest, LEASE_SECONDS) if self._heartbeat else longest)

    def _longest(self, started_at: str | None, now: datetime) -> float:
        return float(min(self._remaining(), self._attempt_left(started_at, now) + CLOSING_SECONDS)) + LEASE_MARGIN

    def run(
        self, task: TaskEntity, event: TaskQueueEvent, keep_hidden: Callable[[float], None]
    ) -> Completed | Failed | Continues | Unread | Lost:
        """Load the input, run the handler, store the result. Errors of AWS after it pass through.

        ``keep_hidden`` hides the task's message for so many seconds, while the lease is renewed.
        """
        self._task = task
        if self._left() <= 0:
            return self._timed_out()
        with self._signs_of_life(keep_hidden):  # from here on: a slow bucket may take a part of the lease
            ended = self._call(task, event)
        return ended if isinstance(ended, Failed | Unread) else self._outcome(ended)

    def _call(self, task: TaskEntity, event: TaskQueueEvent) -> Ended | Failed | Unread:
        """Load what the handler begins with, and run it within the time that is left."""
        try:
            value, context = self._load(task.input_text, task.input_ref), self._context(task)
        except PermanentError as error:  # the bucket does not have it any more
            return Failed(task, error, permanent=True)
        except UNREAD as error:
            return Unread(task, error)
        event = replace(event, task_entity=task, input=value)
        return run_within(self._left(), lambda: call(self._router.resolve(event), context))

    def _signs_of_life(self, keep_hidden: Callable[[float], None]) -> AbstractContextManager[None]:
        """None are needed where the lease that the claim took is long enough."""
        if not self._heartbeat or self._longest(self._task.attempt_started_at, self._clock()) <= LEASE_SECONDS:
            return nullcontext()
        return Heartbeat(lambda: self._renew(keep_hidden))

    def _renew(self, keep_hidden: Callable[[float], None]) -> bool:
        """Renew the lease, and hide the message for as long; returns False when the task is another worker's."""
        task, now = self._task, self._clock()
        until = from_iso(task.lease_until or to_iso(now))
        if until < after(now, FRESH_SECONDS):
            until = self._lease(task.attempt_started_at, now)
            try:
                self._cloud.table.update_task(transitions.renewed(task, now, until), task)
            except LostRace as lost:
                if lost.item and lost.item["version"] == task.version:
                    return True  # a checkpoint has renewed it for longer meanwhile
                logger.warning("lost the lease", extra=task_keys(task))
                self._watch.lose()
                return False
        keep_hidden((until - now).total_seconds() + decisions.VISIBILITY_MARGIN)
        return True

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
        now: datetime = self._clock()
        if self._heartbeat:  # a sign of life as well
            sets["leaseUntil"] = to_iso(self._lease(self._task.attempt_started_at, now))
        try:
            update = transitions.worker_data(self._task, now, sets, (other,))
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
        return found is not None and found.version == self._task.version

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


def _can_beat() -> bool:
    """Whether signs of life will be given. Without a thread there are none, and the lease must be long enough."""
    from serverless_tasks.workers.user_code.deadlines import lookout  # not at the start, as with all that runs code

    return lookout.stands()


class Heartbeat(AbstractContextManager[None]):
    """Calls ``beat`` once a minute in its block, for the first time after a minute, until that returns False.

    Its thread begins with the first call: a short attempt has none. The lookout's thread, which is there anyway, begins
    it. No timer could: Python handles a signal when the main thread is back in Python, which it may not be for minutes
    while it waits in native code, for a database say. That code lets other threads run, and its task must not be taken
    for dead. Code that lets no thread run gives no sign of life.
    """

    def __init__(self, beat: Callable[[], bool]) -> None:
        self._beat = beat
        self._first_at = time.monotonic() + PERIOD_SECONDS
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        from serverless_tasks.workers.user_code.deadlines import lookout

        lookout.begin(self._look)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        from serverless_tasks.workers.user_code.deadlines import lookout

        self._over.set()
        lookout.end(self._look)
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)

    def _look(self) -> None:
        if self._thread is None and time.monotonic() >= self._first_at:
            thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
            with suppress(RuntimeError):  # no thread to be had now: in a second, perhaps
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        seconds: float | None = 0
        while seconds is not None and not self._over.wait(seconds):
            seconds = self._next()

    def _next(self) -> float | None:
        """Give a sign of life; returns the seconds until the next one, None after the last."""
        try:
            return PERIOD_SECONDS if self._beat() else None
        except Exception:
            logger.warning("no sign of life was written, it is tried again", exc_info=True)
            return AGAIN_SECONDS
