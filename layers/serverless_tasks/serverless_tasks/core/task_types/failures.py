"""Failed attempts: when another one begins, and how the exception is kept.

An exception is kept as ``{type, message}``, short enough for an item, and never as a stack trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.inputs.json_text import to_json_text

MAX_BACKOFF = 6 * 3600
"""Seconds. SQS hides a message for at most 12 hours after its receipt; half leaves room for the attempt."""

Random = Callable[[], float]
"""Gives a number in [0, 1)."""
MESSAGE_LIMIT = 1000
"""Characters of a message that are kept."""
MAX_FUTILE_CLAIMS = 10
"""Claims in a row in vain: of a chunk, none of which wrote an outcome, not even that of a dead worker; of any work, all
of which were given back because the bucket could not be read."""
UNREADABLE = "(its text could not be read)"
"""The message of an error whose own code for it fails, or takes too long."""
MAX_CAUSES = 5
"""Errors of a group that its message names."""
REASON_LIMIT = 200
"""Characters of a reason in the history, which has up to 50 of them."""


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


def unread_wait(times: int) -> int:
    """Seconds until the bucket is read again that could not be ``times`` times before: a minute, up to 15."""
    return (60, 120, 240, 480, 900)[min(times, 4)]


def describe(error: BaseException) -> dict[str, str]:
    """``{"type": "ValueError", "message": "…"}``."""
    return {"type": type(error).__name__[:REASON_LIMIT], "message": _storable(_message(error))[:MESSAGE_LIMIT]}


def error_text(error: dict[str, str]) -> str:
    """The error as JSON text, for the item."""
    return to_json_text(error, "error")


def reason(error: dict[str, str]) -> str:
    """The error on one line, for the history."""
    return " ".join(f"{error['type']}: {error['message']}".split())[:REASON_LIMIT]


def single_errors(error: BaseException) -> Iterator[BaseException]:
    """The errors that a group of them holds, its groups' too; of another error, itself."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from single_errors(inner)


def _message(error: BaseException) -> str:
    try:
        if not isinstance(error, BaseExceptionGroup):
            return str(error)
        causes = list(single_errors(error))
        named = [f"{type(cause).__name__}: {cause}" for cause in causes[:MAX_CAUSES]]
        more = len(causes) - len(named)
        return f"{error}: {'; '.join([*named, *[f'and {more} more'] * (more > 0)])}"
    except Exception:  # user code as well, and the attempt must end whatever it does
        return UNREADABLE


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode()


def error_of(given: Any) -> dict[str, str]:
    """An error as user code gives it, a mapping or a message, as it is kept."""
    if isinstance(given, Mapping):
        name, message = str(given.get("type", "Error")), str(given.get("message", ""))
    else:
        name, message = "Error", str(given or "")
    return {"type": _storable(name)[:REASON_LIMIT], "message": _storable(message)[:MESSAGE_LIMIT]}
