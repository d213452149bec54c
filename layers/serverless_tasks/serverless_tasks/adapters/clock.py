"""The clock of production, and its chance. The core gets both from its callers."""

import random
from datetime import UTC, datetime

chance = random.Random().random  # noqa: S311
"""A number in [0, 1), for waits. Its generator is our own: user code may seed the common one, alike in all workers."""


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
