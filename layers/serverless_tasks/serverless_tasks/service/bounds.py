"""Counts what a user and a tenant begin, up to the bounds that the stack's parameters set."""

from __future__ import annotations

from ulid import ULID

from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core.errors import LostRace
from serverless_tasks.core.task.bounds import TASKS, UPLOADS, windows
from serverless_tasks.core.times import Clock
from serverless_tasks.core.usage.amounts import Usage


def count(cloud: Cloud, clock: Clock, tenant_code: str, user: str | None, *, upload: bool = False) -> None:
    """Count one more task or upload. Raises :class:`BoundReached` at the first bound that leaves no room for it.

    What is counted stays so, whatever becomes of the request: a bound may be reached too early, and is never passed.
    """
    settings, now = cloud.settings, clock()
    if upload:
        bounded, limits = UPLOADS, {"user": settings.user_uploads_per_hour, "tenant": settings.tenant_uploads_per_hour}
    else:
        bounded, limits = TASKS, {"user": settings.user_tasks_per_minute, "tenant": settings.tenant_tasks_per_minute}
    for window in windows(bounded, limits, tenant_code, user, now):
        cloud.meter.note(Usage(write_units=1))  # far below 1 KB; the task that is written next pays for it
        try:
            cloud.table.update(window.count(str(ULID())))
        except LostRace:
            raise window.full(now) from None
