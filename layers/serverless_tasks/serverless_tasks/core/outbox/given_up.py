"""Batches of stream records that Lambda gave up, as it keeps them in the bucket: with the whole event that failed.

Source: Lambda developer guide, "Retain discarded records for a DynamoDB event source".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

PREFIX = "aws/lambda/"
"""Of the keys that Lambda gives such objects."""
_NAME = 6
"""Position of its name in the ARN of a function; a version or an alias may follow."""


def records_of(document: str | bytes, function: str) -> Sequence[Mapping[str, Any]] | None:
    """The records of a batch that this function failed with; None if it is another function's.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what Lambda did not write.
    """
    found = json.loads(document)
    if found["requestContext"]["functionArn"].split(":")[_NAME] != function:
        return None
    payload = found["payload"]
    event: Mapping[str, Any] = json.loads(payload) if isinstance(payload, str) else payload
    records: Sequence[Mapping[str, Any]] = event["Records"]
    return records
