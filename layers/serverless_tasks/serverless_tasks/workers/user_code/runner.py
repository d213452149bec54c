"""Runs user code within its time, and returns how it ended.

This is the one place that tells apart a result, a failure, a permanent failure, a time that is up and an end of ours.
An error of user code never passes; only errors of AWS, around it, do.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from serverless_tasks.core.errors import PermanentError
from serverless_tasks.core.inputs.json_text import result_text
from serverless_tasks.core.task_types.arguments import TaskContext
from serverless_tasks.core.task_types.failures import single_errors
from serverless_tasks.core.times import Clock, after
from serverless_tasks.workers.user_code.routing import Pairs

CLOSING_SECONDS = 5.0
"""Left of the invocation for the writes after the handler."""
LEASE_MARGIN = 5.0
"""Seconds by which a lease outlives its invocation, for clocks that differ."""
LOOK_SECONDS = 5.0
"""``context.cancelled`` looks at the table at most this often."""


class Unwinding(BaseException):
    """Ours, on its way through user code to its caller: no failure of that code.

    Not an ``Exception``, so that ``except Exception`` does not swallow it.
    """


class DeadlineReached(Unwinding):
    """Raised inside user code when its time is up.

    ``place`` is where that was, of a coroutine or a thread; otherwise the traceback tells it.
    """

    def __init__(self, place: str = "") -> None:
        self.place = place


@dataclass(frozen=True, slots=True)
class Returned:
    """It returned ``text``, as JSON."""

    text: str


@dataclass(frozen=True, slots=True)
class Raised:
    """It raised ``error``, or returned what is not JSON. ``permanent``: another attempt would fail as well."""

    error: BaseException
    permanent: bool


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Its time was up; ``by`` came from where it was then."""

    by: DeadlineReached


@dataclass(frozen=True, slots=True)
class Unwound:
    """Ended by the worker itself, for a reason that only the raiser of ``by`` knows."""

    by: Unwinding


Ended = Returned | Raised | TimedOut | Unwound
"""How user code ended."""


def run_within(seconds: float, code: Callable[[], Any]) -> Ended:
    """Run user code, and nothing else, within so many seconds; what it changes of its process is put back."""
    # Here and not above: a start needs none of it, and the first call finds what the fork's modules have set up.
    from serverless_tasks.workers.user_code.deadlines import deadline
    from serverless_tasks.workers.user_code.process import in_one_process, put_back

    with put_back():
        try:
            with deadline(seconds), in_one_process():
                return Returned(result_text(code()))
        except BaseException as error:  # an attempt ends with whatever its code raises, now: not when its lease ends
            return ended_by(error)


def ended_by(error: BaseException) -> Raised | TimedOut | Unwound:
    """How user code ended that raised this."""
    match error:
        case DeadlineReached():
            return TimedOut(error)
        case Unwinding():
            return Unwound(error)
        case _:
            from serverless_tasks.workers.user_code.deadlines import readable

            return Raised(readable(error), permanent=isinstance(error, PermanentError))


def call(pairs: Pairs, context: TaskContext) -> Any:
    """Run the handlers in order: one result, or the list of all where there are several."""
    return one_or_all([call_handler(handler, event, context) for handler, event in pairs])


def call_handler(handler: Callable[..., Any], *arguments: Any) -> Any:
    """The handler's return value; an ``async def`` handler runs to its end in an event loop of its own.

    Raises what the handler raises; of a group of errors, :func:`decisive`.
    """
    try:
        returned = handler(*arguments)
        if not inspect.iscoroutine(returned):
            return returned
        # Here and not above: importing asyncio takes a start milliseconds, and most handlers need none.
        from serverless_tasks.workers.user_code.coroutines import run_coroutine

        return run_coroutine(returned)
    except BaseExceptionGroup as group:
        raise decisive(group) from None


def one_or_all(results: list[Any]) -> Any:
    """One result as it is, several as a list."""
    return results[0] if len(results) == 1 else results


def decisive(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that a group of them, as ``asyncio.TaskGroup`` raises it, means for the attempt.

    An :class:`Unwinding` (a deadline, the hand-over at a checkpoint) decides before all, then a
    :class:`PermanentError`; else it is the group.
    """
    errors = list(single_errors(group))
    ends = (error for error in errors if isinstance(error, Unwinding))
    permanent = (error for error in errors if isinstance(error, PermanentError))
    return next(chain(ends, permanent), group)


class Watch:
    """Whether the work still counts, by the last look. Once gone, a task does not come back.

    Many threads may ask; one of them looks.
    """

    def __init__(self, is_mine: Callable[[], bool], clock: Clock, looked_at: datetime | None = None) -> None:
        self._is_mine = is_mine
        self._clock = clock
        self._looked_at = looked_at
        self._gone = False
        self._lock = threading.Lock()

    def lose(self) -> None:
        """The task was taken over or ended: a write of this worker was refused."""
        with self._lock:
            self._gone = True

    def is_gone(self) -> bool:
        """Whether the task was ended or taken over, as of a few seconds ago."""
        with self._lock:
            now = self._clock()
            if not self._gone and (self._looked_at is None or now >= after(self._looked_at, LOOK_SECONDS)):
                self._looked_at = now
                self._gone = not self._is_mine()
            return self._gone
