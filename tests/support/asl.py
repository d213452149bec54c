"""Runs a state machine as Step Functions does, as much of the language as ``fan_out.asl.json`` speaks.

It counts what AWS bills and limits: state transitions (one into each state and one out of the last, of the execution
and of each child of a map) and the bytes of every state's input and output.
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


@dataclass
class Usage:
    """What the executions of a machine took."""

    transitions: int = 0
    bytes: int = 0

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
    _retries: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wakes_at = self.clock()
        self._go_to(self.definition["StartAt"])

    def step(self) -> bool:
        """Run the next state; returns whether there was one that could run now."""
        if self.status != "RUNNING" or self.clock() < self.wakes_at:
            return False
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
            self.usage.transitions += 1
            self.status = "FAILED" if state["Type"] == "Fail" else "SUCCEEDED"
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
        self.context = {**self.context, "State": {"Name": state, "EnteredTime": to_iso(self.clock())}}
        self._retries = {}
        self.usage.transitions += 1

    def _run(self, state: Mapping[str, Any]) -> str | None:
        match state["Type"]:
            case "Task":
                given = self._select(state["Parameters"]) if "Parameters" in state else self.data
                self._keep(state, self._call(state["Resource"], given))
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

    def _call(self, arn: str, given: Any) -> Any:
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
                seconds = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** count
                self.wakes_at = after(self.clock(), min(seconds, retrier.get("MaxDelaySeconds", seconds)))
                self.usage.transitions += 1
                return "again"
        for catcher in state.get("Catch", ()):
            if error in catcher["ErrorEquals"] or "States.ALL" in catcher["ErrorEquals"]:
                self._keep(catcher, failed.output)
                following: str = catcher["Next"]
                return following
        self.status = "FAILED"
        return "again"

    def _map(self, state: Mapping[str, Any]) -> list[Any]:
        if state["ToleratedFailurePercentage"] != 100:
            raise NotImplementedError("a map that fails")
        collected = []
        for index, value in enumerate(self._path(state["ItemsPath"])):
            context = {**self.context, "Map": {"Item": {"Value": value, "Index": index}}}
            given = _select(state["ItemSelector"], self.data, context)
            child = Execution(state["ItemProcessor"], self.invoke, self.clock, self.usage, context, given)
            child.run()
            collected.append(child.data)
        self.usage.passes(collected)
        return collected

    def _choose(self, state: Mapping[str, Any]) -> str:
        for rule in state["Choices"]:
            if self._path(rule["Variable"]) == rule["StringEquals"]:
                return str(rule["Next"])
        return str(state["Default"])

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
    return {
        name.removesuffix(".$"): _read(value, data, context) if name.endswith(".$") else value
        for name, value in template.items()
    }


def _read(path: str, data: Any, context: Any) -> Any:
    value = context if path.startswith("$$") else data
    for name in path.lstrip("$").split(".")[1:]:
        value = value[name]
    return value
