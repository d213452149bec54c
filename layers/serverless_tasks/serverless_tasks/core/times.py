"""Times on the wire and in the table: UTC, ISO 8601, milliseconds, ``Z``. As text they sort as they follow in time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the time, in UTC. The core gets the time as an argument; only the edges ask a clock."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def to_iso(moment: datetime) -> str:
    """``2026-11-22T09:39:36.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """The reverse of :func:`to_iso`. Raises ``ValueError`` for anything else, which would not sort among them."""
    if not _ISO.fullmatch(text):
        raise ValueError(f"not a time like 2026-11-22T09:39:36.123Z: {text[:40]!r}")
    return datetime.fromisoformat(text)


def to_milliseconds(moment: datetime) -> int:
    """Since 1970: as a number, a time takes 8 bytes of an item, where its text takes 24."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(count: int) -> datetime:
    """The reverse of :func:`to_milliseconds`."""
    return _EPOCH + timedelta(milliseconds=count)


def after(moment: datetime, seconds: float) -> datetime:
    """``moment`` and so many seconds."""
    return moment + timedelta(seconds=seconds)
