"""What a queue worker does with a message, for every state that the task can be in."""

from datetime import timedelta

import pytest
from serverless_tasks.core.task.claims import Acknowledge, Claim, GiveUp, Wait, decide
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import to_iso

from tests.support.examples import NOW, a_task


def at(seconds):
    return to_iso(NOW + timedelta(seconds=seconds))


def decision(status, **changes):
    return decide(a_task(status, **changes), 0, NOW, 3)


@pytest.mark.parametrize("status", [TaskStatus.CREATED, TaskStatus.QUEUED])
@pytest.mark.parametrize("attempt", [0, 3])
def test_task_that_waits_for_a_worker_is_claimed(status, attempt):
    assert decision(status, attempt=attempt) == Claim()


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
