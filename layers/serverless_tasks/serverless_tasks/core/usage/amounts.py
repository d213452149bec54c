"""A task's use of AWS, as amounts that add up.

Amounts are stored on items in attributes of their own at the top level, where DynamoDB's ADD works whether they are
there or not.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass

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
}
"""Attributes of the amounts, in their order. Two letters each, as every write of an item is billed by its size."""

NOTHING = Usage()
_amounts = operator.attrgetter(*STORED_AS)

# State transitions of statemachine/fan_out.asl.json, as Step Functions bills them: one into each state and one out of
# the last, of the execution and of each child of a map. Each function counts those of its own call. No function knows
# the retries of a state.
PLAN = Usage(state_transitions=2)
"""Plan, WhatNext."""
LOOK = Usage(state_transitions=3)
"""Of each further plan: RunChunks or Wait, then Plan, WhatNext."""
CHILD = Usage(state_transitions=2)
"""RunChunk, and out."""
FINISH = Usage(state_transitions=2)
"""Finish, and out."""
