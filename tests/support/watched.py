"""The stack in memory with its calls watched as :class:`tests.support.calls.Calls` watches a client's."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError
from serverless_tasks import TaskEntity, TaskKey
from serverless_tasks.adapters.executions import Executions
from serverless_tasks.adapters.payloads import PayloadStore
from serverless_tasks.adapters.queue import TaskQueue
from serverless_tasks.adapters.sinks.alarm_topic import AlarmTopic
from serverless_tasks.adapters.sinks.event_bus import EventBus
from serverless_tasks.adapters.sinks.status_topic import StatusTopic
from serverless_tasks.adapters.table import TaskTable
from serverless_tasks.testing import MemoryCloud, MemoryStack, WorkerKilled

from tests.support.calls import Calls

ADAPTERS = {
    "table": TaskTable,
    "payloads": PayloadStore,
    "queue": TaskQueue,
    "executions": Executions,
    "status_topic": StatusTopic,
    "alarm_topic": AlarmTopic,
    "event_bus": EventBus,
}


BATCHES = {"send_all", "publish"}
"""Calls that raise nothing, but return what was refused."""
ASK_NOBODY = {"is_for"}


class Watched:
    """An adapter whose calls are noted before and after. The stack's driver reaches the fake's own parts."""

    def __init__(self, adapter: Any, service: str, calls: Calls) -> None:
        self._adapter = adapter
        self._service = service
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        if not callable(found) or name in ASK_NOBODY or not hasattr(ADAPTERS[self._service], name):
            return found

        def watched(*arguments: Any, **options: Any) -> Any:
            try:
                call = self._calls.begin(self._service, name, {"arguments": arguments, **options})
            except ClientError as error:
                if name not in BATCHES:
                    raise
                return {task.key: error for task in arguments[0]}
            result = found(*arguments, **options)
            self._calls.end(call)
            return result

        return watched


class WatchedStack(MemoryStack):
    """Survives what kills a function, as AWS does: record and message come again."""

    def __init__(self, **settings: Any) -> None:
        self.calls = Calls()

        def make_cloud(*arguments: Any) -> MemoryCloud:
            cloud = MemoryCloud(*arguments)
            for name in ADAPTERS:
                setattr(cloud, name, Watched(getattr(cloud, name), name, self.calls))
            return cloud

        with patch("serverless_tasks.testing.stack.MemoryCloud", make_cloud):
            super().__init__(**settings)

    def task(self, key: TaskKey) -> TaskEntity:
        with self.calls.unheard():
            return super().task(key)

    def relay_one(self) -> bool:
        return self._survived("relay", super().relay_one)

    def work_one(self) -> bool:
        return self._survived("queue", super().work_one)

    def invoke(self, function: str, payload: Mapping[str, Any]) -> Any:
        with self.calls.of(function):
            return super().invoke(function, payload)

    def sweep(self) -> int:
        with self.calls.of("sweeper"):
            return super().sweep()

    def idle_seconds(self) -> float | None:
        """Until a hidden message or a waiting execution is due; None when nothing is."""
        due = [message["visible"] for message in self.memory.queue.messages.values()]
        due += [execution._wakes_at for execution in self._executions() if execution.next != "End"]
        return max(1.0, (min(due) - self.clock()).total_seconds()) if due else None

    def _survived(self, function: str, work: Callable[[], bool]) -> bool:
        with self.calls.of(function), suppress(WorkerKilled, ClientError):
            return work()
        return True
