"""Decides the state machine's next step from the chunks (docs/concepts.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from serverless_tasks.core.fan_out import lane
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task_types.failures import MAX_FUTILE_CLAIMS
from serverless_tasks.core.times import from_iso

MAX_STALLED_ROUNDS = 5
"""Rounds in a row in which no chunk could even be claimed, before the task is given up."""
STALLED_SECONDS = 5
"""The first wait after such a round; each next one is twice as long."""
SINGLE_ROUNDS = 50
"""Rounds that begin as soon as one chunk is due. Later ones begin when every backoff is over, so that each is an
attempt of all that waits, and there are no more of them than attempts."""
MAX_ROUNDS = 1050
"""Rounds of one execution. Then its task is FAILED, and a retry goes on with the rest in an execution of its own.

An execution ends at 25,000 events of history (Step Functions quotas), and a round makes 22 at most: 6 for the map, 2
for the wait, and twice 5 for plan and 2 for the choice after it. So 1,050 rounds make 23,100. The inline map of the
first round makes 26 in each of 40 iterations, and looks after a lane 9 each; the others are for plan and finish where
they are tried again (``tests/integration/test_worst_history.py``). Of the rounds, the longest policy takes 50 and 1,000
(``task_type.MAX_ATTEMPTS``).
"""
MAX_LANE_LOOKS = 20
"""Looks of one execution after chunks that workers of a lane hold. Later ones wait for the end of a lease."""
LANE_LOOK_SECONDS = 15
"""The least time until such a look …"""
LANE_LOOK_SHARE = 0.25
"""… or this share of the time that the chunk has run for: so what was handed over ends little later than it is done."""

Plan = Mapping[str, Any]
"""``{"next", "chunks"?, "seconds"?, "claims", "stalled", "rounds"?, "looks"?, "unread"?}``, with the number of rounds
that were run, of plans after the first, and of plans in a row that could not read the input. ``next`` is ``run``,
``wait``, ``finish``, ``stop``, or why the task is given up: ``stalled`` or ``exhausted``. To a machine that says how
many it runs inline it is ``few`` for those (:func:`inline`), to a lane ``hand-over`` for what is not its own
(:func:`for_lane`), and there are ``seconds`` for each chunk."""

HAND_OVER: Plan = {"next": "hand-over"}
"""What a lane is told of a task that it cannot run, or not to its end."""


def next_step(
    chunks: Sequence[Chunk],
    run: int,
    now: datetime,
    previous: Plan | None,
    longest_backoff: float,
    beside_lane: int | None = None,
) -> Plan:
    """Run the due chunks, wait for the next one, finish, or say that nothing moves any more.

    ``longest_backoff`` are the seconds after which every sub-task that waits is due; a chunk knows of its first one.
    ``beside_lane``: how many chunks may run at once, where the task began in a lane, whose workers may hold some.
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
    if stalled and previous and _has_run(previous):
        return {"next": "wait", "seconds": STALLED_SECONDS * 2 ** (stalled - 1), **state}
    waits = {chunk.number: chunk.due_in(run, now) for chunk in left}
    due = [number for number, wait in waits.items() if wait <= 0]
    if beside_lane is not None and (held := [chunk for chunk in left if chunk.is_held(run, now)]):
        due = due[: max(0, beside_lane - len(held))]
        if not due and looks <= MAX_LANE_LOOKS:
            return {"next": "wait", "seconds": _until_look(held, now), **state}
        waits = {number: wait for number, wait in waits.items() if wait > 0 or number in due}
    if due and (rounds < SINGLE_ROUNDS or len(due) == len(left)):
        return {"next": "run", "chunks": due, **state, "rounds": rounds + 1}
    until = min(waits.values()) if rounds < SINGLE_ROUNDS else max(longest_backoff, *waits.values())
    return {"next": "wait", "seconds": max(1, math.ceil(until)), **state}


def inline(step: Plan, previous: Plan | None, most: int) -> Plan:
    """The step, and whether an inline map runs it: in the first round only, as history has no room for more of them.

    ``most``: chunks that the machine takes inline; 0 where its definition is an older one.
    """
    if not most or step["next"] != "run":
        return step
    first = not previous or not (_has_run(previous) or previous.get("rounds"))
    return {
        **step,
        "rounds": step.get("rounds", 1),
        **({"next": "few"} if first and len(step["chunks"]) <= most else {}),
    }


def for_lane(step: Plan, concurrency: int) -> Plan:
    """The step as a lane takes it: run what is due, finish or stop, and leave everything else to the state machine."""
    match step["next"]:
        case "finish" | "stop":
            return step
        case "run" if len(step["chunks"]) <= lane.most_chunks(concurrency):
            chunks: Sequence[int] = step["chunks"]
            return {"next": "run", "chunks": chunks, "seconds": lane.seconds_for_each(len(chunks), concurrency)}
        case _:
            return HAND_OVER


def _until_look(held: Sequence[Chunk], now: datetime) -> int:
    began = min(from_iso(chunk.started_at) if chunk.started_at else now for chunk in held)
    return math.ceil(max(LANE_LOOK_SECONDS, LANE_LOOK_SHARE * (now - began).total_seconds()))


def _is_futile(chunk: Chunk) -> bool:
    return max(chunk.claims, chunk.unread) > MAX_FUTILE_CLAIMS


def _stalled_rounds(previous: Plan | None, claims: int) -> int:
    if not previous or previous["claims"] != claims:
        return 0
    return int(previous["stalled"]) + _has_run(previous)


def _has_run(plan: Plan) -> bool:
    return plan["next"] in ("run", "few")
