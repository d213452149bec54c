"""Runs a state machine as Step Functions does, as much of the language as those in ``statemachine/`` speak.

It counts what AWS bills and limits: state transitions (one into each state and one out of the last, of the execution
and of each child of a distributed map), the events of the execution's history, and the bytes of every state's input and
output. Where it counts events, it counts those of the definition alone: each of an iteration is its parent's.

An Express execution makes no transitions, and ends after five minutes wherever it is. An inline map ends with the first
of its iterations that fails, and leaves those after it alone.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serverless_tasks.core.times import after, to_iso
from serverless_tasks.testing import VirtualClock, WorkerKilled

Invoke = Callable[[str, Any], Any]
"""Calls the function with this ARN: JSON in, JSON out."""

STATE_LIMIT = 262_144
"""Bytes that a state may take or give."""
EXPRESS_SECONDS = 300
"""After which an Express execution ends."""


@dataclass
class Usage:
    """What the executions of a machine took."""

    transitions: int = 0
    bytes: int = 0
    express_requests: int = 0
    express_milliseconds: int = 0
    """Each execution rounded up to 100, as it is billed."""

    def passes(self, value: Any) -> None:
        """Something went into a state, or came out of one."""
        length = len(json.dumps(value, separators=(",", ":")).encode())
        if length > STATE_LIMIT:
            raise AssertionError(f"{length} bytes are too many for a state")
        self.bytes += length


class TaskFailed(Exception):
    """A Task state failed and nothing retries or catches it."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.output = {"Error": error, "Cause": cause}


@dataclass
class Execution:
    """One execution, or one child of a map, state by state."""

    definition: Mapping[str, Any]
    invoke: Invoke
    clock: VirtualClock
    usage: Usage
    context: dict[str, Any]
    data: Any
    status: str = "RUNNING"
    next: str = ""
    express: bool = False
    inside: bool = False
    """Whether it is an iteration of an inline map, and so part of another execution."""
    events: int = 0
    """Of its history (https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html)."""
    failure: TaskFailed | None = None
    _retries: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wakes_at = self.began_at = self.clock()
        self.usage.express_requests += self.express and not self.inside
        execution = {"StartTime": self._time(), **self.context.get("Execution", {})}
        self.context = {**self.context, "Execution": execution}
        self.events += 1  # ExecutionStarted, or MapIterationStarted
        self._go_to(self.definition["StartAt"])

    def step(self) -> bool:
        """Run the next state; returns whether there was one that could run now."""
        if self.status != "RUNNING" or self.clock() < self.wakes_at:
            return False
        if self.express and not self.inside and self.clock() >= after(self.began_at, EXPRESS_SECONDS):
            self._end("TIMED_OUT")
            return True
        state = self.definition["States"][self.next]
        self.usage.passes(self.data)
        try:
            following = self._run(state)
        except TaskFailed as failed:
            following = self._recover(state, failed)
        self.usage.passes(self.data)
        if following == "again":
            return True
        if following is None:
            self._transit(0 if self.inside else 1)
            self._end("FAILED" if state["Type"] == "Fail" else "SUCCEEDED")
        else:
            self._go_to(following)
        return True

    def run(self) -> None:
        """All of it, time passing where it waits."""
        while self.status == "RUNNING":
            if not self.step():
                self.clock.now = self.wakes_at

    def _go_to(self, state: str) -> None:
        self.next = state
        self.context = {**self.context, "State": {"Name": state, "EnteredTime": self._time()}}
        self._retries = {}
        self._transit(1)
        self.events += 2  # StateEntered, StateExited

    def _transit(self, count: int) -> None:
        self.usage.transitions += 0 if self.express else count

    def _end(self, status: str) -> None:
        self.status = status
        self.events += 1
        if self.express and not self.inside:
            milliseconds = round((self.clock() - self.began_at).total_seconds() * 1000)
            self.usage.express_milliseconds += 100 * max(1, -(-milliseconds // 100))

    def _time(self) -> str:
        return to_iso(self.clock())

    def _run(self, state: Mapping[str, Any]) -> str | None:
        match state["Type"]:
            case "Task":
                given = self._select(state["Parameters"]) if "Parameters" in state else self.data
                self._keep(state, self._in_time(state, lambda: self._call(state["Resource"], given)))
            case "Pass":
                self._keep(state, state["Result"])
            case "Map":
                self._keep(state, self._map(state))
            case "Choice":
                return self._choose(state)
            case "Wait":
                self.wakes_at = after(self.clock(), self._path(state["SecondsPath"]))
            case "Succeed" | "Fail":
                return None
            case other:
                raise NotImplementedError(f"state type {other}")
        return None if state.get("End") else state["Next"]

    def _in_time(self, state: Mapping[str, Any], call: Callable[[], Any]) -> Any:
        """What the call gives. If it takes too long, nobody waits for it, but what it did is done."""
        began, seconds = self.clock(), state.get("TimeoutSeconds")
        if "TimeoutSecondsPath" in state:
            seconds = self._path(state["TimeoutSecondsPath"])
        given = call()
        if seconds is not None and self.clock() > after(began, seconds):
            raise TaskFailed("States.Timeout", f"more than {seconds} seconds")
        return given

    def _call(self, arn: str, given: Any) -> Any:
        self.events += 3  # TaskScheduled or LambdaFunctionScheduled, Started, and how it ended
        try:
            return self.invoke(arn, json.loads(json.dumps(given)))
        except WorkerKilled as error:
            raise TaskFailed("Lambda.Unknown", str(error)) from error
        except Exception as error:
            raise TaskFailed(type(error).__name__, str(error)) from error

    def _recover(self, state: Mapping[str, Any], failed: TaskFailed) -> str | None:
        error = failed.output["Error"]
        for number, retrier in enumerate(state.get("Retry", ())):
            if error in retrier["ErrorEquals"] or "States.ALL" in retrier["ErrorEquals"]:
                count = self._retries.get(number, 0)
                if count >= retrier["MaxAttempts"]:
                    break
                self._retries[number] = count + 1
                seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2) ** count
                self.wakes_at = after(self.clock(), min(seconds, retrier.get("MaxDelaySeconds", seconds)))
                self._transit(1)
                return "again"
        for catcher in state.get("Catch", ()):
            if error in catcher["ErrorEquals"] or "States.ALL" in catcher["ErrorEquals"]:
                self._keep(catcher, failed.output)
                following: str = catcher["Next"]
                return following
        self.failure = failed
        self._end("FAILED")
        return "again"

    def _map(self, state: Mapping[str, Any]) -> list[Any]:
        inline = state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "INLINE"
        if not inline and (self.express or state["ToleratedFailurePercentage"] != 100):
            raise NotImplementedError("a distributed map that fails, or in an Express execution")
        collected = []
        self.events += 2 if inline else 4  # MapStateStarted, MapStateSucceeded; of a distributed one its run's, too
        for index, value in enumerate(self._path(state["ItemsPath"])):
            context = {**self.context, "Map": {"Item": {"Value": value, "Index": index}}}
            given = _select(state["ItemSelector"], self.data, context)
            how = {"express": self.express, "inside": inline}
            child = Execution(state["ItemProcessor"], self.invoke, self.clock, self.usage, context, given, **how)
            child.run()
            self.events += child.events if inline else 0
            if inline and child.status == "FAILED":
                raise child.failure or TaskFailed("States.Runtime", "it failed")
            collected.append(child.data)
        self.usage.passes(collected)
        return collected

    def _choose(self, state: Mapping[str, Any]) -> str:
        for rule in state["Choices"]:
            if all(self._holds(part) for part in rule.get("And", [rule])):
                return str(rule["Next"])
        return str(state["Default"])

    def _holds(self, rule: Mapping[str, Any]) -> bool:
        if "IsPresent" in rule:
            *path, name = rule["Variable"].split(".")
            return (name in self._path(".".join(path))) is rule["IsPresent"]
        return bool(self._path(rule["Variable"]) == rule["StringEquals"])

    def _keep(self, state: Mapping[str, Any], result: Any) -> None:
        place = state.get("ResultPath", "$")
        if place == "$":
            self.data = result
        elif place is not None:
            self.data = {**self.data, place.removeprefix("$."): result}

    def _select(self, template: Mapping[str, Any]) -> Any:
        return _select(template, self.data, self.context)

    def _path(self, path: str) -> Any:
        return _read(path, self.data, self.context)


def _select(template: Mapping[str, Any], data: Any, context: Any) -> dict[str, Any]:
    def selected(name: str, value: Any) -> Any:
        if name.endswith(".$"):
            return _read(value, data, context)
        return _select(value, data, context) if isinstance(value, Mapping) else value

    return {name.removesuffix(".$"): selected(name, value) for name, value in template.items()}


def _read(path: str, data: Any, context: Any) -> Any:
    value = context if path.startswith("$$") else data
    for name in path.lstrip("$").split(".")[1:]:
        value = value[name]
    return value
