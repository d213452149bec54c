"""The next step of the state machine, from the chunks and the step before."""

from datetime import timedelta

import pytest
from serverless_tasks.core.fan_out.rounds import MAX_ROUNDS, MAX_STALLED_ROUNDS, SINGLE_ROUNDS, next_step
from serverless_tasks.core.task_types.task_type import MAX_ATTEMPTS
from serverless_tasks.core.times import to_iso

from tests.support.examples import AT, NOW, a_chunk


def at(seconds):
    return to_iso(NOW + timedelta(seconds=seconds))


def done(number, **changes):
    return a_chunk(number, **({"attempt": 1, "finished_at": AT, "succeeded": 3} | changes))


def waiting(number, seconds, **changes):
    return a_chunk(number, attempt=1, due_at=at(seconds), **changes)


def step(*chunks, run=0, previous=None, longest_backoff=60):
    return next_step(chunks, run, NOW, previous, longest_backoff)


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


@pytest.mark.parametrize(("rounds", "expected"), [(1099, "run"), (1100, "exhausted")])
def test_an_execution_ends_before_its_history_is_full(rounds, expected):
    previous = {"next": "wait", "claims": 1, "stalled": 0, "rounds": rounds}
    assert step(waiting(0, 0), previous=previous)["next"] == expected
    assert step(done(0), previous=previous)["next"] == "finish"


def test_the_longest_policy_has_room_in_an_execution():
    assert SINGLE_ROUNDS + MAX_ATTEMPTS <= MAX_ROUNDS
    assert MAX_ROUNDS * 22 < 25_000
