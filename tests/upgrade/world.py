"""A stack in memory that runs executions by a definition which it is given: those under way keep their old one."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from serverless_tasks import TaskEntity, TaskKey
from serverless_tasks.testing import MemoryStack, registered
from ulid import ULID

from tests.support import asl
from tests.upgrade.played_types import define

Json = dict[str, Any]
TOPICS = ("statuses", "alarms", "events")


class Topic(list[Any]):
    """The messages of a topic; one that is down takes none."""

    down = False

    def append(self, message: Any) -> None:
        if self.down:
            raise ConnectionError("the topic is down")
        super().append(message)


class World(MemoryStack):
    """The stack, with the task types of the scenarios. :func:`world` makes it."""

    def __init__(self, definition: Json, settings: Mapping[str, Any]) -> None:
        super().__init__(**settings)
        self.definition = definition
        self.machines: dict[str, asl.Execution] = {}
        self.created: list[str] = []
        """``pk sk`` of the tasks, in the order of their creation."""
        self.calls: list[str] = []
        """Every call of a handler: key, run, attempt."""
        self.invocations: list[Json] = []
        """What the state machine gave to functions, and what they answered."""
        self.broken: set[str] = set()
        """Functions that cannot be called."""
        self.did = ""
        """What the last step was."""
        self.topics = {name: Topic() for name in TOPICS}
        sinks = (self.memory.status_topic, self.memory.alarm_topic, self.memory.event_bus)
        for sink, topic in zip(sinks, self.topics.values(), strict=True):
            sink.published = topic

    def step(self) -> bool:
        if self.relay_one():
            self.did = "relay"
        elif self.work_one():
            self.did = "queue worker"
        else:
            return any(self._entered(machine) for machine in self.running())
        return True

    def running(self) -> list[asl.Execution]:
        """Executions that are under way."""
        executions = self.memory.executions
        for name, given in executions.inputs.items():
            if name not in self.machines:
                self.machines[name] = self.execution(name, dict(given))
        for name, machine in self.machines.items():
            if machine.status != "RUNNING":
                executions.ended.add(name)
            elif name in executions.stopped:
                machine.status = "ABORTED"
        return [machine for machine in self.machines.values() if machine.status == "RUNNING"]

    def execution(self, name: str, data: Json, definition: Json | None = None) -> asl.Execution:
        """One that is at its start, by a definition of its own if it was begun with another one."""
        context = {"Execution": {"Id": name, "Name": name}}
        return asl.Execution(definition or self.definition, self._call, self.clock, asl.Usage(), context, data)

    def _entered(self, machine: asl.Execution) -> bool:
        state = machine.next
        if entered := machine.step():
            self.did = f"state {state}"
        return entered

    def _call(self, arn: str, given: Any) -> Any:
        function = arn.removesuffix("Function").lower()
        if function in self.broken:
            raise ConnectionError(f"{function} cannot be called")
        answered = self.invoke(function, given) or {}
        self.invocations.append({"function": function, "given": given, "answered": answered})
        return answered

    def idle_until(self) -> datetime:
        """When something can happen again, a second from now at the soonest."""
        waits = [message["visible"] for message in self.memory.queue.messages.values()]
        waits += [machine.wakes_at for machine in self.running()]
        soonest = self.clock.now + timedelta(seconds=1)
        return max(soonest, min(waits, default=soonest))

    def key(self, number: int) -> TaskKey:
        """Key of the task that was created as that one, from 0."""
        return TaskKey(*self.created[number].split(" "))

    def tasks(self) -> list[TaskEntity]:
        """All tasks, in the order of their creation."""
        return [self.task(self.key(number)) for number in range(len(self.created))]


@contextmanager
def world(definition: str, settings: Mapping[str, Any]) -> Iterator[World]:
    """A stack that runs new executions by this text of a definition."""
    with registered(), codes_of_the_clock(), patch("os.urandom", bytes):  # and UUIDs of nothing
        made = World(filled_in(definition), settings)
        define(made)
        yield made


def filled_in(definition: str, arn: Callable[[str], str] = lambda name: name) -> Json:
    """The definition with what the template puts into it: by default a function's ARN is its name."""
    text = definition.replace("${FanOutConcurrency}", "20")
    filled: Json = json.loads(re.sub(r"\$\{(\w+)Arn\}", lambda found: arn(found[1]), text))
    return filled


@contextmanager
def codes_of_the_clock() -> Iterator[None]:
    """Codes are made of their time alone."""

    def code(moment: datetime) -> ULID:
        milliseconds = round(moment.astimezone(UTC).timestamp() * 1000)
        return ULID.from_bytes(milliseconds.to_bytes(6, "big") + bytes(10))

    with patch.object(ULID, "from_datetime", code):
        yield
