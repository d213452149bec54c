"""How an exception is kept: ``{type, message}``, short enough for an item, never a stack trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serverless_tasks.core.inputs.json_text import to_json_text

MESSAGE_LIMIT = 1000
"""Characters of a message that are kept."""
REASON_LIMIT = 200
"""Characters of a reason in the history, which has up to 50 of them."""


def describe(error: BaseException) -> dict[str, str]:
    """``{"type": "ValueError", "message": "…"}``."""
    return {"type": type(error).__name__[:REASON_LIMIT], "message": _storable(_message(error))[:MESSAGE_LIMIT]}


def error_text(error: dict[str, str]) -> str:
    """The error as JSON text, for the item."""
    return to_json_text(error, "error")


def reason(error: dict[str, str]) -> str:
    """The error on one line, for the history."""
    return " ".join(f"{error['type']}: {error['message']}".split())[:REASON_LIMIT]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # user code as well, and the attempt must end whatever it does
        return "(its text could not be read)"


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode()


def error_of(given: Any) -> dict[str, str]:
    """An error as user code gives it, a mapping or a message, as it is kept."""
    if isinstance(given, Mapping):
        name, message = str(given.get("type", "Error")), str(given.get("message", ""))
    else:
        name, message = "Error", str(given or "")
    return {"type": _storable(name)[:REASON_LIMIT], "message": _storable(message)[:MESSAGE_LIMIT]}
