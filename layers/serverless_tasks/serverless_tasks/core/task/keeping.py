"""When the objects of an open task are renewed: the bucket deletes them ``PayloadDays`` after they were written.

All of it happens in parts of that time, so that the objects of a task are younger than half of it at its end. What is
left is the retention of the task (``RetentionDays``, of which PayloadDays is twice as much). A task that is open for
less than a quarter of it costs nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from serverless_tasks.core.inputs.uploads import is_upload
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.times import from_iso

OLD = 4
"""The part of its life after which an object is renewed: a quarter."""
LOOKS = 8
"""How many looks at the objects there are in such a life."""


def is_due(task: TaskEntity, now: datetime, payload_days: int) -> bool:
    """Whether it is time to look at the objects. An upload may be older than its task, and is looked at first."""
    life = timedelta(days=payload_days)
    if task.kept_at is not None:
        return from_iso(task.kept_at) + life / LOOKS <= now
    uploaded = task.input_ref is not None and is_upload(task.input_ref["key"])
    return uploaded or from_iso(task.created_at) + life / OLD <= now


def old_before(now: datetime, payload_days: int) -> datetime:
    """Objects that were written before are renewed."""
    return now - timedelta(days=payload_days) / OLD
