"""A crash at one call of one function, and what must hold after it."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from botocore.exceptions import ClientError
from serverless_tasks import TaskEntity, TaskKey, TaskStatus
from serverless_tasks.core.task.status import can_transition
from serverless_tasks.testing import WorkerKilled

from tests.support.calls import Call, Calls
from tests.support.stacks import Stack, published, to_be_published

Result = TypeVar("Result")

KINDS = ("killed before", "killed after", "refused")
"""The process dies before the call is sent, or when its effect is there; or AWS answers with a fault of its own."""


class CrashStack(Stack, Protocol):
    """A stack that can be watched, and that says when something happens next."""

    calls: Calls

    def idle_seconds(self) -> float | None: ...


@dataclass(frozen=True)
class Point:
    """The ``number``-th call of a function in the course of a flow."""

    function: str
    number: int
    operation: str

    def __str__(self) -> str:
        return f"{self.function} {self.number} {self.operation}"


class Crash:
    """Happens once, at its point."""

    def __init__(self, point: Point, kind: str) -> None:
        self._point = point
        self._kind = kind
        self._calls_seen = 0
        self.hit: Call | None = None

    def arm(self, calls: Calls) -> None:
        """Wait for the point."""
        calls.before.append(self._before)
        calls.after.append(self._after)

    def _before(self, call: Call) -> None:
        if call.function != self._point.function or self.hit:
            return
        self._calls_seen += 1
        if self._calls_seen < self._point.number:
            return
        self.hit = call
        if self._kind == "killed before":
            raise WorkerKilled
        if self._kind == "refused":
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": "injected"}}, call.operation)

    def _after(self, call: Call) -> None:
        if call is self.hit and self._kind == "killed after":
            raise WorkerKilled


class World:
    """What the handlers of a flow do outside, and how the flow goes on after a crash."""

    def __init__(self, stack: CrashStack) -> None:
        self.stack = stack
        self.effects: Counter[str] = Counter()
        self.swept = False

    def effect(self, context: Any) -> None:
        """An effect outside, keyed: done again, it changes nothing."""
        self.effects[context.idempotency_key] += 1

    def insist(self, request: Callable[[], Result]) -> Result:
        """A client whose request got no answer sends it again."""
        try:
            return request()
        except (WorkerKilled, ClientError):
            return request()

    def end(self, key: TaskKey) -> TaskEntity:
        """Let everything happen until the task has ended. Where nothing would ever happen again, the sweeper comes."""
        for _ in range(2000):
            if self.stack.step():
                continue
            task = self.stack.task(key)
            if task.status.terminal:
                return task
            seconds = self.stack.idle_seconds()
            self.stack.clock.advance(300 if seconds is None else seconds)
            if seconds is None:
                self.swept = True
                self.sweep()
        raise AssertionError(f"the task is still {self.stack.task(key).status}")

    def sweep(self) -> None:
        """A sweeper that dies is called again by its schedule."""
        with suppress(WorkerKilled, ClientError):
            self.stack.sweep()

    def is_undelivered(self, key: TaskKey) -> bool:
        """Whether a sink refused the end of the task, so that the sweeper is to publish it."""
        return not to_be_published(self.stack, self.stack.task(key).status) <= set(published(self.stack, key))

    def let_the_sweeper_publish(self) -> None:
        """Its next run."""
        self.stack.clock.advance(300)
        self.sweep()

    def settle(self) -> None:
        """All that is left to happen after the end."""
        for _ in range(2000):
            if not self.stack.step():
                seconds = self.stack.idle_seconds()
                if seconds is None:
                    return
                self.stack.clock.advance(seconds)
        raise AssertionError("it never ends")


def check_history(task: TaskEntity) -> None:
    """Every step is allowed, none is missing, and attempts only grow within a run."""
    statuses = [TaskStatus(entry["status"]) for entry in task.history]
    assert statuses[0] is TaskStatus.CREATED
    assert statuses[-1] is task.status
    assert task.version == len(statuses) - 1
    for old, new in zip(task.history, task.history[1:], strict=False):
        assert can_transition(TaskStatus(old["status"]), TaskStatus(new["status"]))
        assert old["at"] <= new["at"]
        assert old["attempt"] <= new["attempt"] or new["status"] == TaskStatus.CREATED
    assert task.lease_until is None
    assert task.next_attempt_at is None
    assert not (task.attention or "").startswith("OPEN")
    assert task.expires_at is not None
