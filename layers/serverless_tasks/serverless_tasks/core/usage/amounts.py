"""A task's use of AWS, as amounts that add up.

Amounts are stored on items in attributes of their own at the top level, where DynamoDB's ADD works whether they are
there or not.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from serverless_tasks.core.dynamodb.attribute_values import Item


@dataclass(frozen=True, slots=True)
class Usage:
    """Amounts, each a whole number."""

    write_units: int = 0
    """Of the table and its indexes, on demand."""
    read_units: int = 0
    """Of the table, strongly consistent."""
    invocations: int = 0
    """Of Lambda functions."""
    megabyte_milliseconds: int = 0
    """Their duration, times their memory."""
    state_transitions: int = 0
    """Of the state machine and the children of its map."""
    payload_writes: int = 0
    """PUT requests to the bucket."""
    payload_reads: int = 0
    """GET requests to the bucket."""
    queue_requests: int = 0
    """Requests to the queues, Lambda's own included."""
    publishes: int = 0
    """Messages to the topics."""
    express_requests: int = 0
    """Executions of the fast lane."""
    express_milliseconds: int = 0
    """Their duration. Their memory is taken to be one step of 64 MB, which is the least that is billed."""

    def __add__(self, other: Usage) -> Usage:
        return self if other is NOTHING else Usage(*map(operator.add, _amounts(self), _amounts(other)))

    def times(self, factor: int) -> Usage:
        """The same so many times."""
        return Usage(*(factor * amount for amount in _amounts(self)))

    @classmethod
    def from_item(cls, item: Item) -> Usage:
        """The amounts that an item has; the others are zero. Raises ``TypeError`` or ``ValueError`` for no number."""
        return cls(**{name: int(item[stored]) for name, stored in STORED_AS.items() if stored in item})

    def to_item(self) -> dict[str, int]:
        """Attributes of an item, without zeros."""
        return {stored: amount for stored, amount in zip(STORED_AS.values(), _amounts(self), strict=True) if amount}


STORED_AS: Mapping[str, str] = {
    "write_units": "uW",
    "read_units": "uR",
    "invocations": "uI",
    "megabyte_milliseconds": "uM",
    "state_transitions": "uS",
    "payload_writes": "uP",
    "payload_reads": "uG",
    "queue_requests": "uQ",
    "publishes": "uN",
    "express_requests": "uE",
    "express_milliseconds": "uX",
}
"""Attributes of the amounts, in their order. Two letters each, as every write of an item is billed by its size."""

NOTHING = Usage()
_amounts = operator.attrgetter(*STORED_AS)

# State transitions of statemachine/fan_out.asl.json, as Step Functions bills them: one into each state and one out of
# the last, of the execution and of each child of a distributed map. Each function counts those of its own call. No
# function knows the retries of a state.
PLAN = Usage(state_transitions=2)
"""Plan, WhatNext."""
LOOK = Usage(state_transitions=3)
"""Of each further plan: RunChunks or Wait, then Plan, WhatNext."""
CHILD_TRANSITIONS = 2
"""RunChunk, and out, of a child of a distributed map. An inline map says itself how many an iteration makes."""
FINISH = Usage(state_transitions=2)
"""Finish, and out."""
LANE = Usage(express_requests=1)
"""An execution of the fast lane, which pays for its time and for no transition. Its plan counts it."""
LANE_STEP_MILLISECONDS = 100
"""To which the duration of an Express execution is rounded up (https://aws.amazon.com/step-functions/pricing/)."""


def lane_time(now: datetime, began_at: str) -> Usage:
    """The duration so far of a lane that began then, by Step Functions' clock and in its words (ISO 8601)."""
    milliseconds = round((now - datetime.fromisoformat(began_at)).total_seconds() * 1000)
    steps = max(1, -(-milliseconds // LANE_STEP_MILLISECONDS))
    return Usage(express_milliseconds=steps * LANE_STEP_MILLISECONDS)
