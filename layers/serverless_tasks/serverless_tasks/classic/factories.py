"""Event factories: from what AWS delivers to what handlers get.

The default ones route by task type and need no change. A fork that wants its own event classes derives from one of
these and names it in the template (parameters ``TaskQueueEventFactory`` and ``EventFactory``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serverless_tasks.core.task_types.events import Event, StepFunctionTaskEvent, TaskEvent, TaskQueueEvent


class EventFactory:
    """From records and calls to the events of this package."""

    def transform_dynamodb_stream(self, event: Mapping[str, Any]) -> list[TaskEvent]:
        """Events of the records of a stream batch. Raises ``MalformedMessage`` for a record without a task."""
        return [TaskEvent.from_dynamodb_record(record) for record in event["Records"]]

    def transform_sqs(self, event: Mapping[str, Any]) -> list[TaskQueueEvent]:
        """Events of the messages of a queue batch. Raises ``MalformedMessage`` for what is no task message."""
        return [TaskQueueEvent.from_sqs_record(record) for record in event["Records"]]

    def transform_step_function(self, event: Mapping[str, Any]) -> list[StepFunctionTaskEvent]:
        """Events of one sub-task's call: ``{"taskEntity", "index", "input", "context": {"run", "chunk", …}}``."""
        return [StepFunctionTaskEvent.from_call(event)]


class TaskQueueEventFactory:
    """From the events of this package to a fork's own. Each event returned is handled; without any, the task fails."""

    def transform_task(self, event: TaskQueueEvent) -> Sequence[Event]:
        """Events of a single task."""
        return [event]

    def transform_step_function_task(self, event: StepFunctionTaskEvent) -> Sequence[Event]:
        """Events of a sub-task."""
        return [event]
