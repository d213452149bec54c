"""How long chunks live: for the retention after the end of their task, however long that waits or runs.

A chunk that has ended is written no more, while others of its task may be retried for months. So each plan moves the
time on of those that might not see the end of the round that it begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task_types.failures import MAX_BACKOFF

DAY = 86_400
INVOCATION_SECONDS = 900
"""That an invocation has at most (Lambda quotas): so long a chunk runs in a round."""
MARGIN = 2
"""How many times as long as its invocations a round may take: some are throttled, or tried again."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Of the chunks of one task, from a plan on."""

    retention_days: int
    chunks: int
    concurrency: int
    """Chunks that run at the same time."""

    def expires_at(self, now: datetime) -> int:
        """Of a chunk that is written now, in seconds since 1970."""
        retention, a_round = self.retention_days * DAY, self._round()
        return int(now.timestamp()) + 2 * retention + (a_round if a_round > retention / 2 else 0)

    def ending(self, chunks: Iterable[Chunk], now: datetime) -> list[Chunk]:
        """Those that must live longer. None of a run that takes less than half of the retention."""
        until = int(now.timestamp()) + self.retention_days * DAY + self._round()
        return [chunk for chunk in chunks if chunk.expires_at is not None and chunk.expires_at < until]

    def _round(self) -> int:
        """Seconds until the next plan, at most: a round, or a wait for a backoff."""
        return MAX_BACKOFF + MARGIN * INVOCATION_SECONDS * math.ceil(self.chunks / self.concurrency)
