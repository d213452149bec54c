"""Whether the work of this worker still counts, asked seldom enough to cost nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from serverless_tasks.core.times import Clock, after

LOOK_SECONDS = 5.0
"""``context.cancelled`` looks at the table at most this often."""


class Watch:
    """Remembers the last look; once gone, a task does not come back. Many threads may ask, and one of them looks."""

    def __init__(self, is_mine: Callable[[], bool], clock: Clock) -> None:
        self._is_mine = is_mine
        self._clock = clock
        self._looked_at: datetime | None = None
        self._gone = False
        self._lock = threading.Lock()

    def is_gone(self) -> bool:
        """Whether the task was ended or taken over, as of a few seconds ago."""
        with self._lock:
            now = self._clock()
            if not self._gone and (self._looked_at is None or now >= after(self._looked_at, LOOK_SECONDS)):
                self._looked_at = now
                self._gone = not self._is_mine()
            return self._gone
