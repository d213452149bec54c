"""Which task types a test knows: those that it names, and those that it defines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from serverless_tasks.classic.event_classes import EVENT_HANDLERS, set_event_handlers
from serverless_tasks.core.task_types.task_type import TaskType, known_task_types, set_task_types


@contextmanager
def registered(*task_types: TaskType) -> Iterator[None]:
    """Within the block there are these task types and no others; what the block defines is forgotten after it.

    So two tests may each define a task type, or an event handler, of the same name. Event handlers that were there
    before stay: the classes of their events keep them apart.
    """
    types_before, handlers_before = known_task_types(), dict(EVENT_HANDLERS)
    set_task_types(task_types)
    try:
        yield
    finally:
        set_task_types(types_before)
        set_event_handlers(handlers_before)
