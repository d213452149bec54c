"""What the sweeper does with an open task, for every state that it can be in."""

from datetime import timedelta

import pytest
from serverless_tasks.core.task.status import OPEN, TaskKind, TaskStatus
from serverless_tasks.core.task.sweeps import LEASE_PATIENCE, PATIENCE, CheckExecution, Dispatch, Leave, sweep
from serverless_tasks.core.times import to_iso

from tests.support.examples import NOW, a_fan_out, a_task


def at(seconds):
    return to_iso(moment(seconds))


def moment(seconds):
    return NOW + timedelta(seconds=seconds)


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


def test_patience_is_that_of_the_design():
    assert (PATIENCE, LEASE_PATIENCE) == (15 * 60, 60)
