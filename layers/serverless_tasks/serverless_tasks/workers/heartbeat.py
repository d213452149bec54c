"""A worker's sign of life: what it holds is renewed every minute while user code runs, by a thread of its own."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from serverless_tasks.adapters.log import logger

LEASE_SECONDS = 120.0
"""A worker that gives no sign of life for so long is believed dead."""
PERIOD_SECONDS = 60.0
"""Between two signs of life."""
AGAIN_SECONDS = 10.0
"""After one that AWS did not take."""
JOIN_SECONDS = 3.0
"""The invocation waits so long at most for a sign of life that is under way: it has 5 s for its last writes."""


class Heartbeat(AbstractContextManager[None]):
    """Calls ``beat`` once a minute in its block, for the first time after a minute, until that returns False.

    The thread sleeps the first minute. No timer could begin it later: Python handles a signal when the main thread is
    back in Python, which it may not be for minutes while it waits in native code, for a database say. That code lets
    other threads run, and its task must not be taken for dead. Code that lets no thread run gives no sign of life.
    """

    def __init__(self, beat: Callable[[], bool]) -> None:
        self._beat = beat
        self._over = _thread.allocate_lock()
        self._ended = _thread.allocate_lock()

    def __enter__(self) -> None:
        self._over.acquire()
        self._ended.acquire()
        # Not threading.Thread, which costs three times as much to start: short tasks need none.
        _thread.start_new_thread(self._run, ())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.release()
        self._ended.acquire(timeout=JOIN_SECONDS)

    def _run(self) -> None:
        seconds: float | None = PERIOD_SECONDS
        while seconds is not None and not self._over.acquire(timeout=seconds):
            seconds = self._next()
        self._ended.release()

    def _next(self) -> float | None:
        """Give a sign of life; returns the seconds until the next one, None after the last."""
        try:
            return PERIOD_SECONDS if self._beat() else None
        except Exception:
            logger.warning("no sign of life was written, it is tried again", exc_info=True)
            return AGAIN_SECONDS
