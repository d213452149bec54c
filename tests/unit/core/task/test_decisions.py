"""What is done with a message, and with a task that is due, for every state that the task can be in."""

from datetime import timedelta

import pytest
from serverless_tasks.core.task.decisions import (
    Acknowledge,
    CheckExecution,
    Claim,
    Dispatch,
    GiveUp,
    Leave,
    UsedUp,
    Wait,
    decide,
    sweep,
)
from serverless_tasks.core.task.status import OPEN, TERMINAL, TaskKind, TaskStatus
from serverless_tasks.core.times import to_iso

from tests.support.examples import NOW, a_fan_out, a_task


def at(seconds):
    return to_iso(moment(seconds))


def moment(seconds):
    return NOW + timedelta(seconds=seconds)


# ------------------------------------------------------------------------------------------- the queue worker


def decision(status, **changes):
    return decide(a_task(status, **changes), 0, NOW, 3)


@pytest.mark.parametrize("status", [TaskStatus.CREATED, TaskStatus.QUEUED])
def test_task_that_waits_for_its_first_worker_is_claimed(status):
    assert decision(status) == Claim()


@pytest.mark.parametrize("attempt", [1, 3])
def test_last_attempt_goes_on_in_another_invocation(attempt):
    assert decision(TaskStatus.QUEUED, attempt=attempt, attempt_started_at=at(-60)) == Claim()


@pytest.mark.parametrize("status", [TaskStatus.QUEUED, TaskStatus.ERRORED])
@pytest.mark.parametrize(("attempt", "expected"), [(2, Claim()), (3, UsedUp()), (4, UsedUp())])
def test_no_attempt_more_than_the_task_may_have(status, attempt, expected):
    assert decision(status, attempt=attempt) == expected


@pytest.mark.parametrize(
    "status",
    [TaskStatus.STARTED, TaskStatus.FINISHED, TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED],
)
def test_task_that_no_worker_can_take_is_acknowledged(status):
    assert decision(status) == Acknowledge(f"the task is {status}")


@pytest.mark.parametrize("status", TaskStatus)
@pytest.mark.parametrize("run", [0, 2])
def test_message_of_another_run_is_acknowledged(status, run):
    assert decide(a_task(status, run=1), run, NOW, 3) == Acknowledge(
        f"the message is of run {run}, the task is in run 1"
    )


def test_message_of_the_same_later_run_is_taken():
    assert decide(a_task(run=1), 1, NOW, 3) == Claim()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (90.5, Wait(90.5, "the backoff is not over")),
        (0.5, Wait(0.5, "the backoff is not over")),
        (0, Claim()),
        (-1, Claim()),
    ],
)
def test_errored_task_waits_until_its_next_attempt_is_due(seconds, expected):
    assert decision(TaskStatus.ERRORED, next_attempt_at=at(seconds), attempt=1) == expected


def test_errored_task_without_a_time_is_claimed():
    assert decision(TaskStatus.ERRORED, attempt=1, lease_until=at(60)) == Claim()


@pytest.mark.parametrize("seconds", [60, 0.5])
def test_duplicate_of_a_running_task_comes_back_after_the_lease(seconds):
    expected = Wait(seconds + 30, "another worker holds the lease")
    assert decision(TaskStatus.PROCESSING, lease_until=at(seconds), attempt=3) == expected


@pytest.mark.parametrize("lease_until", [at(0), at(-60), None])
@pytest.mark.parametrize(("attempt", "expected"), [(1, Claim()), (2, Claim()), (3, GiveUp()), (4, GiveUp())])
def test_task_of_a_lost_worker_is_claimed_while_it_has_attempts(lease_until, attempt, expected):
    found = decision(TaskStatus.PROCESSING, lease_until=lease_until, attempt=attempt, next_attempt_at=at(60))
    assert found == expected


# ------------------------------------------------------------------------------------------------ the sweeper


def history(*entries):
    return tuple({"status": status, "at": at(seconds), "attempt": 0} for status, seconds in entries)


YOUNG = history(("CREATED", -300))
LONG_AGO = "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("kind", TaskKind)
def test_task_that_was_never_dispatched_is(kind):
    assert sweep(a_task(kind=kind), NOW, 300) == Dispatch(moment(300))
    assert sweep(a_task(kind=kind), NOW, 60) == Dispatch(moment(60))


@pytest.mark.parametrize(
    ("status", "field", "patience"),
    [
        (TaskStatus.QUEUED, "dispatched_at", 900),
        (TaskStatus.ERRORED, "next_attempt_at", 900),
        (TaskStatus.PROCESSING, "lease_until", 60),
    ],
)
class TestTaskOnItsWay:
    def test_within_its_time_it_is_left_alone(self, status, field, patience):
        task = a_task(status, history=YOUNG, updated_at=LONG_AGO, **{field: at(1 - patience)})
        assert sweep(task, NOW, 300) == Leave(moment(1))

    @pytest.mark.parametrize("late", [0, 1, 5000])
    def test_after_its_time_it_is_dispatched_again(self, status, field, patience, late):
        task = a_task(status, history=YOUNG, **{field: at(-patience - late)})
        assert sweep(task, NOW, 300) == Dispatch(moment(900))

    def test_without_its_time_its_last_change_counts(self, status, field, patience):
        assert sweep(a_task(status, history=YOUNG, updated_at=at(1 - patience)), NOW, 300) == Leave(moment(1))
        assert sweep(a_task(status, history=YOUNG, updated_at=at(-patience)), NOW, 300) == Dispatch(moment(900))

    @pytest.mark.parametrize(("age", "wait"), [(899, 900), (900, 900), (901, 901), (7200, 7200)])
    def test_older_runs_are_dispatched_ever_more_seldom(self, status, field, patience, age, wait):
        of_this_run = history(("CREATED", -90_000), ("FAILED", -80_000), ("CREATED", -age), ("QUEUED", -1))
        task = a_task(status, history=of_this_run, **{field: LONG_AGO})
        assert sweep(task, NOW, 300) == Dispatch(moment(wait))


@pytest.mark.parametrize("status", [TaskStatus.STARTED, TaskStatus.PROCESSING, TaskStatus.FINISHED])
def test_fan_out_is_asked_of_its_execution(status):
    task = a_fan_out(status, history=YOUNG, lease_until=LONG_AGO)
    assert sweep(task, NOW, 300) == CheckExecution(moment(900))


@pytest.mark.parametrize("kind", TaskKind)
@pytest.mark.parametrize("status", sorted(OPEN))
def test_no_open_task_is_forgotten(status, kind):
    found = sweep(a_task(status, kind, history=YOUNG), NOW, 300)
    assert found.until > NOW


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_ended_task_is_none_of_the_sweepers(status):
    with pytest.raises(ValueError, match=f"^a task that is {status} is not open$"):
        sweep(a_task(status), NOW, 300)
