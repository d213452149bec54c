"""Decides the state machine's next step from the chunks (docs/concepts.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task_types.failures import MAX_FUTILE_CLAIMS

MAX_STALLED_ROUNDS = 5
"""Rounds in a row in which no chunk could even be claimed, before the task is given up."""
STALLED_SECONDS = 5
"""The first wait after such a round; each next one is twice as long."""
SINGLE_ROUNDS = 50
"""Rounds that begin as soon as one chunk is due. Later ones begin when every backoff is over, so that each is an
attempt of all that waits, and there are no more of them than attempts."""
MAX_ROUNDS = 1100
"""Rounds of one execution. Then its task is FAILED, and a retry goes on with the rest in an execution of its own.

An execution ends at 25,000 events of history (Step Functions quotas), and a round makes 22 at most: 6 for the map, 2
for the wait, and twice 5 for plan and 2 for the choice after it. So 1,100 rounds make 24,200, and the others are for
plan and finish where they are tried again. Of the rounds, the longest policy takes 50 and 1,000
(``task_type.MAX_ATTEMPTS``), and 50 are for workers that die and for chunks that take longer than their invocation.
"""

Plan = Mapping[str, Any]
"""``{"next", "chunks"?, "seconds"?, "claims", "stalled", "rounds"?, "looks"?, "unread"?}``, with the number of rounds
that were run, of plans after the first, and of plans in a row that could not read the input. ``next`` is ``run``,
``wait``, ``finish``, ``stop``, or why the task is given up: ``stalled`` or ``exhausted``."""


def next_step(chunks: Sequence[Chunk], run: int, now: datetime, previous: Plan | None, longest_backoff: float) -> Plan:
    """Run the due chunks, wait for the next one, finish, or say that nothing moves any more.

    ``longest_backoff`` are the seconds after which every sub-task that waits is due; a chunk knows of its first one.
    """
    left = [chunk for chunk in chunks if not chunk.done_in(run)]
    claims = sum(chunk.attempt for chunk in chunks)
    stalled = _stalled_rounds(previous, claims)
    rounds = int(previous.get("rounds", 0)) if previous else 0
    looks = int(previous.get("looks", 0)) + 1 if previous else 0
    counted = {name: count for name, count in (("rounds", rounds), ("looks", looks)) if count}
    state = {"claims": claims, "stalled": stalled, **counted}
    if not left:
        return {"next": "finish", **state}
    if stalled >= MAX_STALLED_ROUNDS or any(_is_futile(chunk) for chunk in left):
        return {"next": "stalled", **state}
    if rounds >= MAX_ROUNDS:
        return {"next": "exhausted", **state}
    if stalled and previous and previous["next"] == "run":
        return {"next": "wait", "seconds": STALLED_SECONDS * 2 ** (stalled - 1), **state}
    waits = {chunk.number: chunk.due_in(run, now) for chunk in left}
    due = [number for number, wait in waits.items() if wait <= 0]
    if due and (rounds < SINGLE_ROUNDS or len(due) == len(left)):
        return {"next": "run", "chunks": due, **state, "rounds": rounds + 1}
    until = min(waits.values()) if rounds < SINGLE_ROUNDS else max(longest_backoff, *waits.values())
    return {"next": "wait", "seconds": max(1, math.ceil(until)), **state}


def _is_futile(chunk: Chunk) -> bool:
    return max(chunk.claims, chunk.unread) > MAX_FUTILE_CLAIMS


def _stalled_rounds(previous: Plan | None, claims: int) -> int:
    if not previous or previous["claims"] != claims:
        return 0
    again: bool = previous["next"] == "run"
    return int(previous["stalled"]) + again
