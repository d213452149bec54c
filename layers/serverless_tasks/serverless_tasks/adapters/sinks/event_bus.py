"""The event bus, where the stack names one: what the status topic is told, as events that rules can route."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from serverless_tasks.adapters.in_batches import Entry, Failures, in_batches
from serverless_tasks.core.outbox.messages import status_event
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.times import from_iso, to_iso

SOURCE = "serverless-tasks"
DETAIL_TYPE = "Task status"


class EventBus:
    """Puts events about the status of tasks."""

    def __init__(self, client: Any, bus_name: str, table_name: str) -> None:
        self._client = client
        self._bus_name = bus_name
        self._table_name = table_name

    def put_statuses(self, tasks: Sequence[TaskEntity]) -> Failures:
        """Say what each task's status is now, ten with a request; returns what was not taken."""
        return in_batches(tasks, self._event, self._put)

    def _event(self, task: TaskEntity) -> Entry:
        return {
            "EventBusName": self._bus_name,
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            # Read and written: one that is no time, of a foreign item, would have the whole request refused.
            "Time": to_iso(from_iso(task.updated_at)),
            "Detail": json.dumps(status_event(task, self._table_name), separators=(",", ":")),
        }

    def _put(self, entries: Sequence[Entry]) -> Mapping[str, Any]:
        """PutEvents answers by place, where SQS and SNS answer by ``Id`` (API reference)."""
        events = [{name: value for name, value in entry.items() if name != "Id"} for entry in entries]
        answers = zip(entries, self._client.put_events(Entries=events)["Entries"], strict=True)
        return {
            "Failed": [
                {"Id": entry["Id"], "Code": answer["ErrorCode"], "Message": answer.get("ErrorMessage", "")}
                for entry, answer in answers
                if "ErrorCode" in answer
            ]
        }
