"""Handlers that do what their input says, under every policy that the tests need."""

import os
import random
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
from serverless_tasks import Backoff, Outcome, PermanentError, StepFunctionTaskEvent, TaskContext, TaskType

NO_END = 10**6
SOON = Backoff(base=1, factor=1, cap=1)
AT_ONCE = Backoff(base=0, cap=0)

PROBES = [
    TaskType("probe", max_attempts=3, backoff=SOON, timeout=60),
    TaskType("once", max_attempts=1, timeout=2),
    TaskType("brief", max_attempts=2, backoff=AT_ONCE, timeout=2, chunk_size=10),
    TaskType("alone", max_attempts=3, backoff=AT_ONCE, timeout=60, chunk_size=1),
    TaskType("mortal", max_attempts=50, backoff=AT_ONCE, timeout=2),
    TaskType("lasting", max_attempts=2, backoff=AT_ONCE),
    TaskType("paged", max_attempts=1),
    TaskType("together", max_attempts=1, timeout=60, chunk_size=20),
    TaskType("tolerant", max_attempts=1, backoff=AT_ONCE, tolerated_failures="20%"),
]


def act(event: Any, context: TaskContext) -> Any:
    """Do what the input says."""
    order = event.input
    match order["do"]:
        case "echo":
            return {"value": order.get("value"), "attempt": context.attempt, "run": context.run}
        case "return":
            return "x" * (order["bytes"] - 2)  # and two quotes
        case "return not json":
            return {"a", "set"}
        case "fail" if _not_yet(order, context):
            raise ValueError(order.get("message", "told to fail"))
        case "give up":
            raise PermanentError("told to give up")
        case "exit" if _not_yet(order, context):
            os._exit(3)  # what an out-of-memory kill looks like
        case "sleep":
            time.sleep(order["seconds"])
        case "hold":
            return _hold(context)
        case "checkpoint":
            return _checkpoint(order["steps"], order.get("seconds", 0), order.get("failAt"), context)
        case "call":
            getattr(boto3.client(order["service"]), order["operation"])(**order["with"])
        case "effect":
            return _effect(order, context)
        case "run":
            exec(order["code"], {"context": context})  # the test's own
    return "done"


def _not_yet(order: dict[str, Any], context: TaskContext) -> bool:
    return context.attempt <= order.get("attempts", NO_END) and context.run < order.get("runs", NO_END)


def _hold(context: TaskContext) -> str:
    """Run until cancelled."""
    while not context.cancelled and context.remaining_time > 1:
        time.sleep(0.05)
    return "let go"


def _checkpoint(steps: int, seconds: float, fail_at: int | None, context: TaskContext) -> dict[str, Any]:
    """Go ``steps`` steps, each once; remember which attempt, and which invocation of it, went each."""
    state = context.state or {"done": [], "invocations": 0}
    state["invocations"] += 1
    while len(state["done"]) < steps:
        time.sleep(seconds)
        state["done"].append(context.attempt)
        context.checkpoint(state, progress=len(state["done"]) / steps)
        if len(state["done"]) == fail_at and context.attempt == 1:
            raise RuntimeError("told to fail after a checkpoint")
    return state


def _effect(order: dict[str, Any], context: TaskContext) -> str:
    """A keyed effect outside, which happens once, and one without key, which tells how often it was tried."""
    key = context.idempotency_key
    _write(order["table"], "ADD times :one", f"tried {key}", ":one", "1")
    if context.attempt == 1 and random.Random(f"{order['seed']} {key}").random() < order["exit"]:
        os._exit(3)
    try:
        _write(
            order["table"], "SET attempt = :attempt", key, ":attempt", str(context.attempt), "attribute_not_exists(#k)"
        )
    except _dynamodb().exceptions.ConditionalCheckFailedException:
        return "was done before"
    time.sleep(order["seconds"])  # between the effect and the result: when a crash hurts most
    return "done"


def _write(table: str, expression: str, key: str, name: str, number: str, condition: str | None = None) -> None:
    conditional = {"ConditionExpression": condition, "ExpressionAttributeNames": {"#k": "key"}} if condition else {}
    _dynamodb().update_item(
        TableName=table,
        Key={"key": {"S": key}},
        UpdateExpression=expression,
        ExpressionAttributeValues={name: {"N": number}},
        **conditional,
    )


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb")


for probe in PROBES:
    probe.task(act)
    probe.sub_task(act)


@PROBES[-1].finished
def gather(event: StepFunctionTaskEvent, outcomes: Iterator[Outcome]) -> dict[str, Any]:
    """The fan-in: what it was given, in its order."""
    return {
        "of": event.task_entity.code if event.task_entity else None,
        "inputs": sum(1 for _ in event.input),  # read, not only counted
        "outcomes": [[outcome.index, outcome.status, outcome.result or outcome.error] for outcome in outcomes],
    }
