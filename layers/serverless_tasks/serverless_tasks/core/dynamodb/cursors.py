"""Cursors: where a listing goes on. Opaque, and bound to tenant and query."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from serverless_tasks.core.errors import InvalidInput


def encode_cursor(query: Sequence[Any], position: Sequence[Any]) -> str:
    """The cursor for ``position`` in the results of ``query`` (whose first part is the tenant)."""
    text = json.dumps([_fingerprint(query), *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(query: Sequence[Any], cursor: str) -> list[Any]:
    """The position in a cursor. Raises :class:`InvalidInput` for one that is not of this query and tenant."""
    try:
        fingerprint, *position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise invalid_cursor() from None
    if fingerprint != _fingerprint(query):
        raise invalid_cursor()
    return list(position)


def invalid_cursor() -> InvalidInput:
    """The error for every cursor that is not one of ours."""
    return InvalidInput("cursor", "is not a cursor of this query; leave it out to begin at the first page")


def _fingerprint(query: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(query).encode()).hexdigest()[:16]
