"""What an invocation uses, until a write that happens anyway can say so.

Adapters note their requests here, and each write to a task or a chunk takes what was noted and adds it to the item's
own amounts. So nothing is ever sent for the sake of the count. What is noted after an invocation's last write is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from serverless_tasks.core.dynamodb.sizes import refused_units
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.usage.amounts import NOTHING, Usage

SHARED = ""
"""Stands for a task's code where it is not known whose a request is: the next task that is written pays for it."""
CLOSING_MILLISECONDS = 10
"""Estimated, of an invocation: its last write, which cannot count itself, a log line and the answer."""


class Meter:
    """Amounts that no write has told yet, by the task's code. Outside of an invocation nothing is counted.

    Relay and sweeper work on several tasks in one invocation. Each task pays for its own requests, and for the time
    since the last task was written; for the invocation as such pays the first. Several threads may use a meter.
    """

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()
        self._megabytes = 0
        self._told_at = 0.0
        self._untold: dict[str, Usage] = {}

    def begin(self, megabytes: int | str) -> None:
        """An invocation of a function of so much memory begins; what the last one left untold is forgotten.

        ``megabytes`` is Lambda's ``context.memory_limit_in_mb``, which is a text.
        """
        with self._lock:
            self._megabytes = int(megabytes)
            self._told_at = self._ticks()
            closing = self._megabytes * CLOSING_MILLISECONDS
            self._untold = {SHARED: Usage(invocations=1, megabyte_milliseconds=closing)}

    def note(self, used: Usage, code: str = SHARED) -> None:
        """Count what was used for the task with this code."""
        with self._lock:
            if self._megabytes:
                self._untold[code] = self._untold.get(code, NOTHING) + used

    def take(self, code: str) -> Usage:
        """What is to be told of the task with this code: its own, what is shared, and the time since the last time."""
        with self._lock:
            now = self._ticks()
            milliseconds, self._told_at = (now - self._told_at) * 1000, now
            spent = Usage(megabyte_milliseconds=round(milliseconds * self._megabytes))
            return spent + self._untold.pop(code, NOTHING) + self._untold.pop(SHARED, NOTHING)

    @contextmanager
    def telling(self, code: str, *, alone: bool = False) -> Iterator[Usage]:
        """What a write in the block is to tell of the task; ``alone`` of itself only. When it fails, that stays untold.

        A write whose condition did not hold is billed all the same, by what it found.
        """
        untold = NOTHING if alone else self.take(code)
        try:
            yield untold
        except LostRace as lost:
            self.note(untold + Usage(write_units=refused_units(lost.item)), code)
            raise
        except Exception:
            self.note(untold, code)
            raise

    def note_again(self, code: str, times: int) -> None:
        """Count everything that is untold of this task so many times more."""
        untold = self.take(code)
        self.note(untold.times(1 + times), code)
