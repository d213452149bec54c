"""The next step of the state machine, from the chunks and the step before."""

from datetime import timedelta

import pytest
from serverless_tasks.core.fan_out.rounds import (
    HAND_OVER,
    MAX_LANE_LOOKS,
    MAX_ROUNDS,
    MAX_STALLED_ROUNDS,
    SINGLE_ROUNDS,
    for_lane,
    inline,
    next_step,
)
from serverless_tasks.core.task_types.task_type import MAX_ATTEMPTS
from serverless_tasks.core.times import to_iso

from tests.support.examples import AT, NOW, a_chunk


def at(seconds):
    return to_iso(NOW + timedelta(seconds=seconds))


def done(number, **changes):
    return a_chunk(number, **({"attempt": 1, "finished_at": AT, "succeeded": 3} | changes))


def waiting(number, seconds, **changes):
    return a_chunk(number, attempt=1, due_at=at(seconds), **changes)


def step(*chunks, run=0, previous=None, longest_backoff=60, beside_lane=None):
    return next_step(chunks, run, NOW, previous, longest_backoff, beside_lane)


def held(number, *, since=-100, **changes):
    return a_chunk(number, attempt=1, started_at=at(since), lease_until=at(830), **changes)


def test_no_chunks_at_all_finish():
    assert step() == {"next": "finish", "claims": 0, "stalled": 0}


def test_all_done_finish():
    assert step(done(0), done(1, attempt=3)) == {"next": "finish", "claims": 4, "stalled": 0}


def test_what_is_due_runs_and_nothing_else():
    found = step(done(0), a_chunk(1), waiting(2, 0), waiting(3, 60), a_chunk(4, attempt=1, lease_until=at(-1)))
    assert found == {"next": "run", "chunks": [1, 2, 4], "claims": 4, "stalled": 0, "rounds": 1}


@pytest.mark.parametrize(
    ("seconds", "expected"), [([60, 90], 60), ([0.2, 5], 1), ([1.001], 2), ([21_600, 90_000], 21_600)]
)
def test_nothing_due_yet_waits_for_the_first_however_long_that_is(seconds, expected):
    chunks = [waiting(number, wait) for number, wait in enumerate(seconds)]
    assert step(done(9), *chunks) == {"next": "wait", "seconds": expected, "claims": 1 + len(chunks), "stalled": 0}


def test_chunk_with_a_lease_is_waited_for():
    assert step(a_chunk(0, attempt=1, lease_until=at(70)))["seconds"] == 70


def test_later_run_takes_up_what_did_not_succeed():
    chunks = [done(0), done(1, succeeded=2, failed=1), a_chunk(2, due_at=at(99)), a_chunk(3, run=1, due_at=at(99))]
    assert step(*chunks, run=1) == {"next": "run", "chunks": [1, 2], "claims": 2, "stalled": 0, "rounds": 1}


def test_first_round_without_a_claim_is_stalled_once_and_waits():
    previous = {"next": "run", "claims": 0, "stalled": 0}
    assert step(a_chunk(0), previous=previous) == {
        "next": "wait",
        "seconds": 5,
        "claims": 0,
        "stalled": 1,
        "looks": 1,
    }


@pytest.mark.parametrize(
    ("chunk", "previous", "claims", "stalled"),
    [
        pytest.param(a_chunk(0), {"next": "wait", "claims": 0, "stalled": 1}, 0, 1, id="after a stalled round's wait"),
        pytest.param(waiting(0, 0), {"next": "wait", "claims": 1, "stalled": 0}, 1, 0, id="after a backoff"),
        pytest.param(waiting(0, 0), {"next": "run", "claims": 0, "stalled": 4}, 1, 0, id="a claim ends the stall"),
    ],
)
def test_the_chunks_run_again(chunk, previous, claims, stalled):
    again = {"next": "run", "chunks": [0], "claims": claims, "stalled": stalled, "rounds": 1, "looks": 1}
    assert step(chunk, previous=previous) == again


def test_stalled_rounds_finish_all_the_same_when_nothing_is_left():
    previous = {"next": "run", "claims": 1, "stalled": 9}
    assert step(done(0), previous=previous)["next"] == "finish"


@pytest.mark.parametrize(("claims", "expected"), [(10, "run"), (11, "stalled"), (12, "stalled")])
def test_chunk_whose_workers_can_never_write_is_given_up(claims, expected):
    assert step(a_chunk(0), a_chunk(1, attempt=claims, claims=claims))["next"] == expected
    assert step(a_chunk(0), done(1, claims=claims))["next"] == "run"


@pytest.mark.parametrize(("unread", "expected"), [(10, "run"), (11, "stalled")])
def test_chunk_that_can_never_be_read_is_given_up(unread, expected):
    assert step(a_chunk(0), a_chunk(1, attempt=unread, unread=unread))["next"] == expected


def test_workers_that_never_start_are_given_up_after_five_rounds_and_75_seconds():
    plan, steps = None, []
    while not steps or steps[-1] != "stalled":
        plan = step(a_chunk(0), previous=plan)
        steps.append(plan.get("seconds") or plan["next"])
    assert steps == ["run", 5, "run", 10, "run", 20, "run", 40, "run", "stalled"]
    assert plan == {"next": "stalled", "claims": 0, "stalled": MAX_STALLED_ROUNDS, "rounds": 5, "looks": 9}


@pytest.mark.parametrize(("seconds", "expected"), [(50, 60), (70, 70)])
def test_after_many_rounds_the_next_one_waits_for_all(seconds, expected):
    # The last sub-task of a chunk may be due a whole backoff after its first one.
    chunks = [waiting(0, 0), waiting(1, seconds)]
    before, after = ({"next": "wait", "claims": 2, "stalled": 0, "rounds": rounds, "looks": 7} for rounds in (49, 50))
    same = {"claims": 2, "stalled": 0, "looks": 8}
    assert step(*chunks, previous=before) == {"next": "run", "chunks": [0], "rounds": 50, **same}
    assert step(*chunks, previous=after) == {"next": "wait", "seconds": expected, "rounds": 50, **same}
    due = [waiting(0, 0), waiting(1, 0)]
    assert step(*due, previous=after) == {"next": "run", "chunks": [0, 1], "rounds": 51, **same}


@pytest.mark.parametrize(("rounds", "expected"), [(MAX_ROUNDS - 1, "run"), (MAX_ROUNDS, "exhausted")])
def test_an_execution_ends_before_its_history_is_full(rounds, expected):
    previous = {"next": "wait", "claims": 1, "stalled": 0, "rounds": rounds}
    assert step(waiting(0, 0), previous=previous)["next"] == expected
    assert step(done(0), previous=previous)["next"] == "finish"


def test_the_longest_policy_has_room_in_an_execution():
    assert SINGLE_ROUNDS + MAX_ATTEMPTS <= MAX_ROUNDS
    assert MAX_ROUNDS * 22 < 25_000


# ------------------------------------------------------------------------------------------------ after a lane


def test_what_is_due_runs_beside_the_workers_of_a_lane_as_far_as_there_is_room():
    found = step(a_chunk(0), a_chunk(1), held(2), held(3), beside_lane=3)
    assert (found["next"], found["chunks"]) == ("run", [0])


@pytest.mark.parametrize(("since", "seconds"), [(-10, 15), (-200, 50), (-201, 51), (-800, 200)])
def test_a_lane_s_worker_is_looked_after_by_the_time_that_it_has_run(since, seconds):
    chunks = [a_chunk(0), held(1, since=since), held(2, since=-1)]
    found = step(*chunks, beside_lane=2)
    assert (found["next"], found["seconds"]) == ("wait", seconds)


def test_after_many_looks_the_end_of_a_lease_is_waited_for():
    previous = {"next": "wait", "claims": 1, "stalled": 0, "looks": MAX_LANE_LOOKS}
    assert step(held(0), beside_lane=20, previous=previous)["seconds"] == 830
    assert step(held(0), beside_lane=1, previous={**previous, "looks": 3})["seconds"] == 25


def test_a_backoff_after_a_lane_is_waited_for_as_ever():
    assert step(waiting(0, 70), beside_lane=20)["seconds"] == 70
    assert step(a_chunk(0), waiting(1, 70), held(2, run=1), beside_lane=1)["chunks"] == [0]


# ------------------------------------------------------------------------------------------ what a machine is told

RUN = {"next": "run", "chunks": [0, 1], "claims": 0, "stalled": 0}


def test_an_older_definition_is_told_what_it_knows():
    assert inline(RUN, None, 0) == RUN


@pytest.mark.parametrize(
    ("previous", "told"),
    [
        (None, "few"),
        ({"next": "wait", "unread": 1, "claims": 0, "stalled": 0}, "few"),
        ({"next": "few", "rounds": 1, "claims": 0, "stalled": 0}, "run"),
        ({"next": "wait", "rounds": 1, "claims": 2, "stalled": 0}, "run"),
        ({"next": "run", "claims": 0, "stalled": 0}, "run"),
    ],
)
def test_the_first_round_of_few_chunks_is_inline_and_no_other(previous, told):
    assert inline(RUN, previous, 40) == {**RUN, "next": told, "rounds": 1}
    assert inline({**RUN, "chunks": list(range(41))}, previous, 40)["next"] == "run"


def test_a_round_that_could_not_claim_is_stalled_inline_as_well():
    previous = inline({**RUN, "chunks": [0]}, None, 40)
    assert step(a_chunk(0), previous=previous)["seconds"] == 5


@pytest.mark.parametrize("said", ["finish", "stop"])
def test_a_lane_ends_what_it_can(said):
    assert for_lane({"next": said}, 20) == {"next": said}


def test_a_lane_runs_what_is_due_each_chunk_for_its_part_of_the_time():
    assert for_lane(RUN, 20) == {"next": "run", "chunks": [0, 1], "seconds": 200}  # no later plan counts from it
    assert for_lane({**RUN, "chunks": list(range(40))}, 20)["seconds"] == 100


@pytest.mark.parametrize(
    "said", [{"next": "wait", "seconds": 5}, {"next": "stalled"}, {**RUN, "chunks": list(range(41))}, HAND_OVER]
)
def test_a_lane_hands_everything_else_over(said):
    assert for_lane(said, 20) == HAND_OVER
