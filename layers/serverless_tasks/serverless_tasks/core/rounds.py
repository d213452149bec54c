"""What the state machine does next, decided from the chunks (design, section 6)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from serverless_tasks.core.chunks import Chunk

MAX_STALLED_ROUNDS = 5
"""Rounds in a row in which no chunk could even be claimed, before the task is given up."""
MAX_FUTILE_CLAIMS = 10
"""Claims of one chunk in a row none of which wrote an outcome, not even that of a dead worker: the same."""
STALLED_SECONDS = 5
"""The first wait after such a round; each next one is twice as long."""
SINGLE_ROUNDS = 100
"""Rounds that begin as soon as one chunk is due. Later ones wait for all, so that there are no more than attempts.

An execution ends at 25,000 events of history (Step Functions quotas), and a round makes about 20.
"""
LONGEST_WAIT = 3600
"""Seconds. Plan looks again at least this often, so that a cancelled task's execution does not sleep for hours."""

Plan = Mapping[str, Any]
"""``{"next": "run" | "wait" | "finish" | "stop" | "stalled", "chunks"?, "seconds"?, "claims", "stalled", "rounds"?,
"looks"?}``, with the number of rounds that were run, and of plans after the first."""


def next_step(chunks: Sequence[Chunk], run: int, now: datetime, previous: Plan | None) -> Plan:
    """Run the chunks that are due, wait for the next one, finish, or say that nothing moves any more."""
    left = [chunk for chunk in chunks if not chunk.done_in(run)]
    claims = sum(chunk.attempt for chunk in chunks)
    stalled = _stalled_rounds(previous, claims)
    rounds = int(previous.get("rounds", 0)) if previous else 0
    looks = int(previous.get("looks", 0)) + 1 if previous else 0
    counted = {name: count for name, count in (("rounds", rounds), ("looks", looks)) if count}
    state = {"claims": claims, "stalled": stalled, **counted}
    if not left:
        return {"next": "finish", **state}
    if stalled >= MAX_STALLED_ROUNDS or any(chunk.claims > MAX_FUTILE_CLAIMS for chunk in left):
        return {"next": "stalled", **state}
    if stalled and previous and previous["next"] == "run":
        return {"next": "wait", "seconds": STALLED_SECONDS * 2 ** (stalled - 1), **state}
    waits = {chunk.number: chunk.due_in(run, now) for chunk in left}
    due = [number for number, wait in waits.items() if wait <= 0]
    if due and (rounds < SINGLE_ROUNDS or len(due) == len(left)):
        return {"next": "run", "chunks": due, **state, "rounds": rounds + 1}
    until = min(waits.values()) if rounds < SINGLE_ROUNDS else max(waits.values())
    seconds = min(LONGEST_WAIT, max(1, math.ceil(until)))
    return {"next": "wait", "seconds": seconds, **state}


def _stalled_rounds(previous: Plan | None, claims: int) -> int:
    if not previous or previous["claims"] != claims:
        return 0
    again: bool = previous["next"] == "run"
    return int(previous["stalled"]) + again
