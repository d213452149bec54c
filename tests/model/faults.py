"""Faults at the adapters of the stack in memory: a call that is refused, or a process that dies before or after it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from serverless_tasks.testing import MemoryStack, WorkerKilled

from tests.model.paused import Paused
from tests.support.watched import BATCHES

ADAPTERS = {
    "table": ("get", "item", "put", "put_all", "update", "update_task", "chunk", "chunks", "batch_get", "due"),
    "payloads": ("put", "inline_or_stored", "load", "lines", "find", "blocks"),
    "queue": ("send", "send_all", "hide", "dead_letter"),
    "executions": ("start", "start_lane", "start_named", "stop", "is_running"),
    "given_up": ("batches", "records", "remove"),
    "status_topic": ("publish",),
    "alarm_topic": ("publish",),
}


class Throttled(Exception):
    """AWS refuses a call for now."""


@dataclass
class Fault:
    """What happens at the ``at``-th call from now on: ``refused``, ``killed before`` or ``killed after``."""

    kind: str
    at: int


class Faults:
    """Wraps the adapters; at most one fault is armed at a time, and it strikes once."""

    def __init__(self, stack: MemoryStack) -> None:
        self.armed: Fault | None = None
        self.paused: list[Paused] = []
        """Workers that stand still, or may."""
        for name, methods in ADAPTERS.items():
            adapter = getattr(stack.memory, name)
            for method in methods:
                setattr(adapter, method, self._wrapped(getattr(adapter, method), method in BATCHES))

    def _wrapped(self, call: Callable[..., Any], batch: bool) -> Callable[..., Any]:
        def faulty(*arguments: Any, **named: Any) -> Any:
            for paused in self.paused:
                if paused.is_here():
                    paused.before_a_call()
            fault = self._strikes()
            if fault is None:
                return call(*arguments, **named)
            if fault.kind == "refused" and batch:
                return {task.key: Throttled() for task in arguments[0]}
            if fault.kind == "refused":
                raise Throttled
            if fault.kind == "killed after":
                call(*arguments, **named)
            raise WorkerKilled

        return faulty

    def _strikes(self) -> Fault | None:
        if self.armed is None:
            return None
        self.armed.at -= 1
        if self.armed.at > 0:
            return None
        fault, self.armed = self.armed, None
        return fault
