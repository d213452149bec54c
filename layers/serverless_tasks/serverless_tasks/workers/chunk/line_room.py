"""How much room the results of a chunk have in its lines of outcomes."""

from __future__ import annotations

import threading

from serverless_tasks.core.fan_out.outcomes import fits_line


class LineRoom:
    """Bytes that are taken; threads may take at the same time."""

    def __init__(self) -> None:
        self.taken = 0
        self._one_at_a_time = threading.Lock()

    def take(self, size: int) -> bool:
        """Take so many bytes for a result, if it is to stay in its line; returns whether it is."""
        with self._one_at_a_time:
            if not fits_line(size, self.taken):
                return False
            self.taken += size
            return True

    def occupy(self, size: int) -> None:
        """Count what is there already."""
        self.taken += size
