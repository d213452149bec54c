"""Idempotency keys: the same request sent twice makes one task (docs/http-api.md)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from serverless_tasks.core.dynamodb.attribute_values import Item
from serverless_tasks.core.dynamodb.expressions import Put, absent_or_at_most
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import SEPARATOR, TaskKey
from serverless_tasks.core.times import after, to_iso

KIND = "IDEMPOTENCY"
VALID_SECONDS = 86_400
"""How long a key stands for its task: 24 hours."""
KEY_PATTERN = "[ -~]{1,255}"
"""What a key looks like: printable ASCII, as an HTTP header carries it."""
FINGERPRINT = "fingerprintV2"
"""The attribute that compares requests by what they mean. A change of that rule takes a new name: code of another
version goes on with the attribute that it knows, ``fingerprint`` (by the text of the request) among them."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A request to create a task once: its user, its content and its key."""

    tenant_code: str
    user: str
    route: str
    key: str
    content: Sequence[str | None]
    """The parts of the request, its input as JSON text. Another content under the same key is a caller's mistake."""

    def __post_init__(self) -> None:
        if not re.fullmatch(KEY_PATTERN, self.key):
            raise InvalidInput("Idempotency-Key", "must be 1 to 255 printable ASCII characters")

    @property
    def item_key(self) -> TaskKey:
        """Key of the item that remembers it. For another user or another route the same key is another one."""
        return TaskKey(f"{KIND}{SEPARATOR}{self.tenant_code}", _digest([self.user, self.route, self.key]))

    @property
    def fingerprint(self) -> str:
        """Differs where the input means something else: not by the order of its keys, nor by ``2`` and ``2.0``."""
        *others, text = self.content
        return _digest([*others, None if text is None else canonical(text)])

    def is_of(self, item: Item) -> bool:
        """Whether the item was written for the same content, by this code or by that of before."""
        if FINGERPRINT in item:
            return bool(item[FINGERPRINT] == self.fingerprint)
        return bool(item["fingerprint"] == _digest(self.content))

    def remember(self, task: TaskEntity, now: datetime, expires_at: int) -> Put:
        """The item, written together with the task, unless a key that is still valid is there."""
        key = self.item_key
        item = {
            "pk": key.pk,
            "sk": key.sk,
            "kind": KIND,
            "change": "data",
            "taskPk": task.pk,
            "taskSk": task.sk,
            "fingerprint": _digest(self.content),
            FINGERPRINT: self.fingerprint,
            "validUntil": to_iso(after(now, VALID_SECONDS)),
            "expiresAt": expires_at,
        }
        return Put(item, conditions=(absent_or_at_most("validUntil", to_iso(now)),))


def remembered(item: Item | None, now: datetime) -> TaskKey | None:
    """Key of the task that an item stands for, while it is valid."""
    if item is None or item.get("kind") != KIND or item["validUntil"] <= to_iso(now):
        return None
    return TaskKey(item["taskPk"], item["taskSk"])


def canonical(text: str) -> str:
    """The one JSON text of all that mean the same: keys sorted, and numbers by their exact decimal value."""
    return json.dumps(json.loads(text, parse_float=_by_value), sort_keys=True)


def _by_value(digits: str) -> int | float:
    """``2.0`` and ``2e0`` as 2. A fraction is a float: its text is the shortest that names it (``float.__repr__``)."""
    number = float(digits)
    return int(Fraction(digits)) if number.is_integer() else number


def _digest(parts: Sequence[str | None]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()
