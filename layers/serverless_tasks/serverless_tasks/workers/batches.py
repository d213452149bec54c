"""Works off a batch of messages and says which must be delivered again; every failure has its line in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from serverless_tasks.adapters.log import logger

Record = Mapping[str, Any]
Identify = Callable[[Record], str]
"""What Lambda knows a record by."""


class Redeliver(Exception):
    """Asks for redelivery of a record; no error."""


def work_off(records: Sequence[Record], handle: Callable[[Record], None], identify: Identify) -> dict[str, Any]:
    """Handle each record, in the main thread, where a signal can end user code; return Lambda's partial response."""
    return partial_response([record for record in records if _failed(record, handle)], identify)


def partial_response(failed: Iterable[Record], identify: Identify) -> dict[str, Any]:
    """Lambda's partial batch response, ``{"batchItemFailures": [{"itemIdentifier"}]}``."""
    return {"batchItemFailures": [{"itemIdentifier": identify(record)} for record in failed]}


def _failed(record: Record, handle: Callable[[Record], None]) -> bool:
    try:
        handle(record)
    except Redeliver as reason:
        logger.info("to be delivered again", extra={"reason": str(reason)})
        return True
    except Exception:
        logger.exception("a record failed and is delivered again")
        return True
    return False
