"""Ends user code that runs too long, so that its attempt ends with an error of ours and not with a killed process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

AGAIN_SECONDS = 2.0
"""Raised again after so long, until the block is left: a callback of an event loop may have swallowed it, and what the
code does on its way out is not to take the seconds that the worker needs to write how the attempt ended."""


class Unwinding(BaseException):
    """Ours, on its way through user code to whoever called it: no failure of that code.

    Not an ``Exception``, so that ``except Exception`` does not swallow it.
    """


class DeadlineReached(Unwinding):
    """Raised inside user code when its time is up."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise :class:`DeadlineReached` in the block after so many seconds.

    Works in the main thread, which is where Lambda calls handlers; elsewhere the block is not interrupted. A call that
    does not return to Python (a native loop) is interrupted when it does; the lease covers the rest.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGALRM, _raise)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _raise(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise DeadlineReached
