"""Ends user code when its time is up, whatever it does to signals and timers. Imported when the first code is run.

Its lookout begins what may be due later beside that code.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from types import FrameType

from serverless_tasks.adapters.log import logger
from serverless_tasks.core.task_types.failures import UNREADABLE
from serverless_tasks.workers.user_code.runner import DeadlineReached

AGAIN_SECONDS = 2.0
"""A deadline is raised again after so long, until its block is left: a callback of an event loop may have swallowed it,
and the code's own cleaning up must not take the seconds that the worker needs to write how the attempt ended."""
SECOND_SIGNAL = getattr(signal, "SIGRTMAX", signal.SIGUSR2)
"""Interrupts the main thread where the alarm did not. macOS has no SIGRTMAX."""
SOON = 0.001
"""Seconds: the least that a timer is set to, since 0 stops it."""
OVERDUE_SECONDS = 0.5
"""So late, an alarm does not come any more: user code has taken SIGALRM, or stopped the timer."""
TEXT_SECONDS = 1.0
"""Time for an exception to say its message, which is user code too."""


class Lookout:
    """A thread that looks once a second, while there is anything to look after.

    All that may have to be done later shares it, so that what is over by then costs next to nothing: the thread of one
    short call still looks when the next one comes.
    """

    def __init__(self) -> None:
        self._looks: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, look: Callable[[], None]) -> None:
        """Call ``look`` once a second from now on. It is short, and raises nothing."""
        with self._lock:
            self._looks.append(look)
            self._stand()

    def stands(self) -> bool:
        """Whether there is a thread to look, which lives for another second at least: if none does, begin one."""
        with self._lock:
            return self._stand()

    def end(self, look: Callable[[], None]) -> None:
        """Call it no more; once, perhaps, if the thread is about to."""
        with self._lock:
            self._looks.remove(look)

    def _stand(self) -> bool:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="lookout", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # what the handlers of this process have begun takes all that there may be
                logger.warning("no thread is to be had: a time limit has the alarm alone until there is one")
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        while True:
            time.sleep(1)
            with self._lock:
                looks = list(self._looks)
                if not looks:
                    self._thread = None
                    return
            for look in looks:
                look()


lookout = Lookout()


class _Interrupt:
    """Interrupts the main thread when the time of its block is up, and every ``AGAIN_SECONDS`` until the block is left.

    The alarm of SIGALRM does so in time. User code may have taken the signal or its timer: then the lookout sends
    another one, little later.
    """

    def __init__(self) -> None:
        self.due = inf

    def at(self, due: float) -> None:
        """Interrupt at this time of the monotonic clock."""
        self.due = due
        signal.signal(SECOND_SIGNAL, self.arrived)
        signal.signal(signal.SIGALRM, self.arrived)
        signal.setitimer(signal.ITIMER_REAL, max(due - time.monotonic(), SOON), AGAIN_SECONDS)

    def arrived(self, number: int, _frame: FrameType | None) -> None:
        """A signal has come. One before its time is user code's own, or late from an earlier block."""
        left = self.due - time.monotonic()
        if left > 0:
            if left < inf and number == signal.SIGALRM:
                signal.setitimer(signal.ITIMER_REAL, max(left, SOON), AGAIN_SECONDS)
            return
        self.due += AGAIN_SECONDS - left
        raise DeadlineReached

    def look(self) -> None:
        """Send the second signal where the first did not do."""
        if time.monotonic() > self.due + OVERDUE_SECONDS:
            signal.pthread_kill(threading.main_thread().ident or 0, SECOND_SIGNAL)


_interrupt = _Interrupt()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise :class:`DeadlineReached` in the block after so many seconds.

    Works in the main thread, where Lambda calls handlers; in another one the block is not interrupted. A call that does
    not return to Python (a native loop) is interrupted when it does; the lease covers the rest.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outer, alarm = _interrupt.due, signal.getsignal(signal.SIGALRM)
    if outer == inf:
        lookout.begin(_interrupt.look)
    try:
        _interrupt.at(min(outer, time.monotonic() + seconds))
        yield
    finally:
        _interrupt.due = outer  # at once, and by no call: a signal that arrives from here on is late
        if outer < inf:
            _interrupt.at(outer)
        else:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)  # forgets one that user code has kept blocked
            signal.signal(signal.SIGALRM, alarm)
            lookout.end(_interrupt.look)


def readable(error: BaseException) -> BaseException:
    """The error; one of its name in its place where its message cannot be had soon, for a log line or an item."""
    try:
        with deadline(TEXT_SECONDS):
            for told in _told(error):
                str(told)
            return error
    except BaseException:
        stand_in: type[Exception] = type(type(error).__name__, (Exception,), {})
        return stand_in(UNREADABLE).with_traceback(error.__traceback__)


def _told(error: BaseException) -> Iterator[BaseException]:
    """The error and all that a traceback tells with it, each once."""
    seen: dict[int, BaseException] = {}
    left: list[BaseException | None] = [error]
    while left:
        told = left.pop()
        if told is None or id(told) in seen:
            continue
        seen[id(told)] = told
        yield told
        of_group = told.exceptions if isinstance(told, BaseExceptionGroup) else ()
        left += [told.__cause__, told.__context__, *of_group]
