"""The event bus, where the stack names one: what the status topic carries, as events that rules can route."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from serverless_tasks.adapters.in_batches import Entry, Failures, in_batches
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.outbox.messages import status_event
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.times import from_iso, to_iso

SOURCE = "serverless-tasks"
DETAIL_TYPE = "Task status"


class EventBus:
    """Puts events about the status of tasks."""

    name = "bus"

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def is_for(self, task: TaskEntity) -> bool:
        """Whether its status is one of those that the stack publishes."""
        return task.status in self._settings.published

    def publish(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Put an event about the status of each task, ten with a request; returns what was not taken."""
        return in_batches(tasks, self._event, self._put)

    def _event(self, task: TaskEntity) -> Entry:
        return {
            "EventBusName": self._settings.event_bus_name,
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            # Read and written: AWS would refuse the whole request because of a foreign item whose time is none.
            "Time": to_iso(from_iso(task.updated_at)),
            "Detail": json.dumps(status_event(task, self._settings.table_name), separators=(",", ":")),
        }

    def _put(self, entries: Sequence[Entry]) -> Mapping[str, Any]:
        """PutEvents answers in the order of the entries, where SQS and SNS answer by ``Id`` (API reference)."""
        events = [{name: value for name, value in entry.items() if name != "Id"} for entry in entries]
        answers = zip(entries, self._client.put_events(Entries=events)["Entries"], strict=True)
        return {
            "Failed": [
                {"Id": entry["Id"], "Code": answer["ErrorCode"], "Message": answer.get("ErrorMessage", "")}
                for entry, answer in answers
                if "ErrorCode" in answer
            ]
        }
