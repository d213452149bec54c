"""The cost of a task: the amounts that its writes recorded, those that no write can know, and list prices."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import FACTS, TaskStatus
from serverless_tasks.core.usage.amounts import Usage

Statuses = Set[TaskStatus]

RELAY_MEGABYTES = 512
"""Memory of the relay in the template."""
PASSING_MILLISECONDS = 10
"""Estimated, of the relay: the end of a task, about which it writes nothing."""
MEGABYTES_OF_A_GIGABYTE = 1024
PRICED: Mapping[str, tuple[str, ...]] = {
    "write_units": ("writeUnit",),
    "read_units": ("readUnit",),
    "invocations": ("lambdaRequest",),
    "state_transitions": ("transition",),
    "payload_writes": ("put",),
    "payload_reads": ("get",),
    "queue_requests": ("queueRequest", "fairQueueRequest"),  # the second one at most, and zero without fair queue
    "publishes": ("publish",),
    "express_requests": ("expressRequest",),
}
"""Which prices an amount takes. Time takes ``lambdaSecond``, in gigabyte-seconds, and of a lane ``expressSecond``."""


def whole_usage(task: TaskEntity, relayed: Statuses, published: Statuses) -> Usage:
    """The amounts that the writes of the task recorded, and an estimate of the rest.

    ``relayed``: the statuses that wake the relay. ``published``: those that the status topic gets.
    """
    return task.usage + unrecorded(task, relayed, published)


def unrecorded(task: TaskEntity, relayed: Statuses, published: Statuses) -> Usage:
    """Amounts after a task's last write, or without one: the relay acts on the end of each run, if it is woken by it.

    It is invoked for it, alone at worst. Each run's first change is dispatched, which is a write, and the changes in
    between do not wake it. Each earlier run is taken to have failed.
    """
    ends = [TaskStatus.FAILED] * task.run + [task.status] * task.status.terminal
    wakes = sum(end in relayed for end in ends)
    publishes = sum((end in published) + FACTS[end].alarms for end in ends)
    milliseconds = wakes * PASSING_MILLISECONDS
    return Usage(invocations=wakes, megabyte_milliseconds=milliseconds * RELAY_MEGABYTES, publishes=publishes)


def gigabyte_seconds(usage: Usage) -> float:
    """Lambda's time, as it is billed."""
    return usage.megabyte_milliseconds / MEGABYTES_OF_A_GIGABYTE / 1000


def express_seconds(usage: Usage) -> float:
    """A lane's time, as it is billed: of 64 MB."""
    return usage.express_milliseconds / 1000


def estimated_usd(usage: Usage, prices: Mapping[str, float]) -> float:
    """US dollars. ``prices`` are those of one unit, by their names in the price file."""
    terms = [getattr(usage, amount) * prices[name] for amount, names in PRICED.items() for name in names]
    time = gigabyte_seconds(usage) * prices["lambdaSecond"] + express_seconds(usage) * prices["expressSecond"]
    return sum(terms, time)


def usage_view(usage: Usage, prices: Mapping[str, float], prices_of: str) -> dict[str, Any]:
    """Usage as programs outside see it. ``prices_of`` says which prices these are."""
    return {
        "writeUnits": usage.write_units,
        "readUnits": usage.read_units,
        "invocations": usage.invocations,
        "gigabyteSeconds": round(gigabyte_seconds(usage), 6),
        "stateTransitions": usage.state_transitions,
        "payloadWrites": usage.payload_writes,
        "payloadReads": usage.payload_reads,
        "queueRequests": usage.queue_requests,
        "publishes": usage.publishes,
        "expressRequests": usage.express_requests,
        "expressSeconds": express_seconds(usage),
        "estimatedUsd": round(estimated_usd(usage, prices), 9),
        "pricesOf": prices_of,
    }
