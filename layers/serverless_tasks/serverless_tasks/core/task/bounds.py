"""Bounds: how many tasks and uploads a user, and a tenant, may begin within a time (docs/security.md).

Time is cut into windows, by the clock and alike for all. A window of a user, or of a tenant, is an item of the table
that one conditional write counts up to the bound. No window is read, and TTL deletes it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from serverless_tasks.core.dynamodb.expressions import Update, absent_or_at_most
from serverless_tasks.core.errors import BoundReached
from serverless_tasks.core.task.keys import SEPARATOR
from serverless_tasks.core.times import after, to_iso

KIND = "BOUND"


@dataclass(frozen=True, slots=True)
class Bounded:
    """What is counted, in windows of so many ``seconds``; the rest are its words in an error."""

    name: str
    seconds: int
    doing: str
    within: str
    parameter: str
    """What names of parameters of the template end with."""


TASKS = Bounded("TASKS", 60, "create or retry {} tasks", "a minute", "TasksPerMinute")
UPLOADS = Bounded("UPLOADS", 3600, "ask for {} uploads", "an hour", "UploadsPerHour")


@dataclass(frozen=True, slots=True)
class Window:
    """The current window of a tenant, or of one ``user`` of it."""

    bounded: Bounded
    limit: int
    begin: datetime
    tenant_code: str
    user: str | None = None

    @property
    def end(self) -> datetime:
        """When the next one begins."""
        return after(self.begin, self.bounded.seconds)

    def count(self, token: str) -> Update:
        """Count one more, unless the window is full.

        ``token`` differs in every request. If the answer was lost and the write is sent again, it finds itself by it.
        """
        return Update(
            f"{KIND}{SEPARATOR}{self.tenant_code}",
            SEPARATOR.join([self.bounded.name, to_iso(self.begin), *self._user_digest()]),
            (absent_or_at_most("used", self.limit - 1),),
            set={
                "kind": KIND,
                "change": "data",
                "token": token,
                "expiresAt": int(self.end.timestamp()) + self.bounded.seconds,  # clocks differ a little
            },
            count={"used": 1},
        )

    def full(self, now: datetime) -> BoundReached:
        """The error of a request that comes too late for this window."""
        who, done = ("Tenant", "your tenant has") if self.user is None else ("User", "you have")
        seconds = max(1, math.ceil((self.end - now).total_seconds()))
        parameter = f"{who}{self.bounded.parameter}"
        return BoundReached(
            f"one {who.lower()} may {self.bounded.doing.format(self.limit)} within {self.bounded.within} ({parameter}),"
            f" and {done} done so; try again in {seconds} s",
            parameter,
            self.tenant_code,
            seconds,
        )

    def _user_digest(self) -> list[str]:
        """Nothing of a tenant's window. An issuer may name its users by any text, of any length."""
        return [] if self.user is None else [hashlib.sha256(self.user.encode(errors="surrogatepass")).hexdigest()]


def windows(
    bounded: Bounded, limits: Mapping[str, int], tenant_code: str, user: str | None, now: datetime
) -> Iterator[Window]:
    """The windows in which a request counts, in this order: a user who has no more takes nothing from the tenant.

    ``limits``: of ``user`` and ``tenant``, 0 for none. Code may create tasks for no user, which count for the tenant.
    """
    seconds = int(now.timestamp()) // bounded.seconds * bounded.seconds
    begin = datetime.fromtimestamp(seconds, UTC)
    if limits["user"] and user is not None:
        yield Window(bounded, limits["user"], begin, tenant_code, user)
    if limits["tenant"]:
        yield Window(bounded, limits["tenant"], begin, tenant_code)
