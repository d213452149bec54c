"""From one sub-task's call to its handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serverless_tasks.core.context import TaskContext
from serverless_tasks.core.dispatch import Dispatcher, call, no_handler
from serverless_tasks.core.entity import TaskEntity


def run_sub_task(dispatcher: Dispatcher, task: TaskEntity, event_call: Mapping[str, Any], context: TaskContext) -> Any:
    """What the sub-task's handlers return. Raises :class:`NoHandler`, and whatever they raise."""
    events = dispatcher.events.transform_step_function(event_call)
    pairs = [pair for event in events for pair in dispatcher.resolve(event)]
    if not pairs:
        raise no_handler(task.type)
    return call(pairs, context)
