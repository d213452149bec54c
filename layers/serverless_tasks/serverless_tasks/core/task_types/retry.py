"""When a failed attempt is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from serverless_tasks.core.errors import InvalidInput

MAX_BACKOFF = 6 * 3600
"""Seconds. SQS hides a message for at most 12 hours after its receipt; half leaves room for the attempt."""

Random = Callable[[], float]
"""Gives a number in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: a random time up to base · factor ** (attempt - 1), at most cap.

    Full jitter spreads the retries of many tasks that failed together
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """

    base: float = 2.0
    """Seconds, the most the first wait can take."""
    factor: float = 2.0
    """What the longest wait is multiplied by after each attempt."""
    cap: float = 300.0
    """Seconds, the most any wait can take; at most 6 hours."""

    def __post_init__(self) -> None:
        if not is_number(self.base, 0, MAX_BACKOFF):
            raise InvalidInput("backoff.base", f"must be 0 to {MAX_BACKOFF} seconds")
        if not is_number(self.factor, 1, 100):
            raise InvalidInput("backoff.factor", "must be 1 to 100")
        if not is_number(self.cap, self.base, MAX_BACKOFF):
            raise InvalidInput("backoff.cap", f"must be at least backoff.base and at most {MAX_BACKOFF} seconds")

    def delay(self, attempt: int, random: Random) -> float:
        """Seconds to wait after ``attempt`` (1, 2, …) failed."""
        # After 64 doublings every cap is reached; the bound keeps the power finite, as 1000 does for a slower growth.
        longest = self.base * self.factor ** min(attempt - 1, 64 if self.factor >= 2 else 1000)
        return min(self.cap, longest) * random()


def is_number(value: object, low: float, high: float) -> bool:
    """Whether ``value`` is a number, which a bool is not, from ``low`` to ``high``."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
