"""What is done with a message, and with a task that is due, for every state that the task can be in."""

from dataclasses import replace
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
    why_lost,
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
DAYS_14 = 14 * 86400
WAITING = [(TaskStatus.QUEUED, 900), (TaskStatus.ERRORED, 900), (TaskStatus.PROCESSING, 60)]
"""Where a single task waits for a worker, and the seconds that its message may be late."""


def waiting(status, seconds, *, sent=-20_000, **changes):
    """A task that wants a worker since so many seconds, or in so many, sent last at ``sent``."""
    since = at(seconds)
    fields = {TaskStatus.ERRORED: {"next_attempt_at": since}, TaskStatus.PROCESSING: {"lease_until": since}}
    entries = history(("CREATED", -20_000), (status, seconds if status is TaskStatus.QUEUED else -10_000))
    return a_task(status, history=entries, dispatched_at=at(sent), **(fields.get(status, {}) | changes))


@pytest.mark.parametrize("kind", TaskKind)
@pytest.mark.parametrize(("first_look", "seconds"), [(300, 300), (60, 60), (3600, 900)])
def test_task_that_was_never_dispatched_is(kind, first_look, seconds):
    assert sweep(a_task(kind=kind), NOW, first_look) == Dispatch(moment(seconds))


@pytest.mark.parametrize(("status", "patience"), WAITING)
class TestTaskOnItsWay:
    def test_within_its_time_it_is_left_alone(self, status, patience):
        assert sweep(waiting(status, 1 - patience), NOW, 300) == Leave(moment(1))

    @pytest.mark.parametrize("late", [0, 1, 5000])
    def test_after_its_time_it_is_dispatched_again(self, status, patience, late):
        assert sweep(waiting(status, -patience - late), NOW, 300) == Dispatch(moment(900))

    @pytest.mark.parametrize("field", ["next_attempt_at", "lease_until"])
    def test_without_its_time_its_last_change_counts(self, status, patience, field):
        within, late = (history(("CREATED", -9000), (status, seconds)) for seconds in (1 - patience, -patience))
        assert sweep(a_task(status, history=within, **{field: None}), NOW, 300) == Leave(moment(1))
        assert sweep(a_task(status, history=late, **{field: None}), NOW, 300) == Dispatch(moment(900))

    @pytest.mark.parametrize(
        ("since", "sent", "due"),
        [(-1800, -900, 0), (-1800, -899, 2), (-3600, -1800, 0), (-3600, -1799, 2), (-7200, -3600, 0), (-60, -30, 870)],
    )
    def test_a_wait_gets_ever_fewer_messages(self, status, patience, since, sent, due):
        step = sweep(waiting(status, since, sent=sent), NOW, 300)
        assert step == (Leave(moment(due)) if due else Dispatch(moment(900)))

    def test_it_is_looked_at_every_quarter_of_an_hour_even_so(self, status, patience):
        """It may go on meanwhile, and what it goes on with may get lost."""
        assert sweep(waiting(status, -40_000, sent=-10_000), NOW, 300) == Leave(moment(900))

    def test_how_old_the_run_is_does_not_matter(self, status, patience):
        task = waiting(status, -patience, sent=-5000)
        old = history(("CREATED", -90 * 86400), *((entry["status"], -patience) for entry in task.history[1:]))
        assert sweep(task, NOW, 300) == sweep(replace(task, history=old), NOW, 300) == Dispatch(moment(900))

    @pytest.mark.parametrize(("sent", "step"), [(1 - DAYS_14, Leave(moment(1))), (-DAYS_14, Dispatch(moment(900)))])
    def test_a_message_that_sqs_has_deleted_is_not_waited_for(self, status, patience, sent, step):
        assert sweep(waiting(status, -10, sent=sent), NOW, 300) == step


def test_a_backoff_at_whose_end_there_will_be_no_message_ends_with_one():
    assert sweep(waiting(TaskStatus.ERRORED, 7200, sent=8000 - DAYS_14), NOW, 300) == Leave(moment(8000))
    assert sweep(waiting(TaskStatus.ERRORED, 7200, sent=7200 - DAYS_14), NOW, 300) == Leave(moment(7200))
    assert sweep(waiting(TaskStatus.ERRORED, 7200, sent=3600 - DAYS_14), NOW, 300) == Leave(moment(7200))


def test_the_message_of_a_task_that_says_not_when_it_was_sent_is_as_old_as_its_run():
    began = history(("CREATED", -99 * 86400), ("FAILED", -98 * 86400), ("CREATED", -DAYS_14), ("ERRORED", -10))
    assert sweep(a_task(TaskStatus.ERRORED, history=began, next_attempt_at=at(-1)), NOW, 300) == Dispatch(moment(900))


def test_a_task_that_a_worker_holds_is_left_alone_for_a_quarter_of_an_hour():
    assert sweep(waiting(TaskStatus.PROCESSING, 1), NOW, 300) == Leave(moment(900))


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


@pytest.mark.parametrize(
    ("lease", "heartbeat", "why"),
    [
        (120, True, "worker died"),
        (120, False, "worker died"),
        (899, True, "worker died"),
        (905, True, "invocation over"),
        (905, False, "worker died, or invocation over"),
    ],
)
def test_a_lease_tells_whether_its_worker_died_or_its_invocation_was_over(lease, heartbeat, why):
    until = to_iso(NOW + timedelta(seconds=lease))
    claims = [{"status": status, "at": to_iso(NOW), "attempt": 1} for status in ("CREATED", "PROCESSING")]
    task = a_task(TaskStatus.PROCESSING, attempt=1, lease_until=until, history=tuple(claims))
    assert why_lost(task, 900, heartbeat) == why
    assert why_lost(replace(task, lease_until=None, history=()), 900, heartbeat) == "worker died"


# ------------------------------------------------------------------------------------------------ of a lane


@pytest.mark.parametrize(
    ("status", "seconds"), [(TaskStatus.STARTED, 360), (TaskStatus.PROCESSING, 360), (TaskStatus.FINISHED, 960)]
)
def test_a_task_in_a_lane_is_left_alone_until_no_lane_can_live(status, seconds):
    def look(ago):
        entries = history(("CREATED", -5000), (status, -ago))
        return sweep(a_task(status, TaskKind.SFN_TASK, history=entries), NOW, 300, in_lane=True)

    assert look(seconds - 1) == Leave(NOW + timedelta(seconds=1))
    assert isinstance(look(seconds), CheckExecution)
