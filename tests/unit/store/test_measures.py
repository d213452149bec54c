"""Counts and times of a transition."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from serverless_tasks.core.task.entity import HISTORY_LIMIT, TaskEntity
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.times import to_iso
from serverless_tasks.store.transitions import measures

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def task(*steps: tuple[str, float]) -> TaskEntity:
    """A task that became each status so many seconds after the beginning."""
    history = tuple(
        {"status": TaskStatus(name), "at": to_iso(BEGIN + timedelta(seconds=at)), "attempt": 0} for name, at in steps
    )
    return TaskEntity(
        pk="TASK#mbc",
        sk="cat#1",
        kind=TaskKind.TASK,
        code="1",
        type="cat",
        name="cat",
        tenant_code="mbc",
        status=TaskStatus(steps[-1][0]),
        history=history,
    )


@pytest.mark.parametrize("status", ["QUEUED", "STARTED", "PROCESSING", "FINISHED"])
def test_a_transition_on_the_way_is_not_measured(status):
    assert measures(task(("CREATED", 0), (status, 1))) == {}


@pytest.mark.parametrize(
    ("status", "name"), [("CREATED", "Created"), ("ERRORED", "Retried"), ("CANCELLED", "Cancelled")]
)
def test_what_is_only_counted(status, name):
    assert measures(task(("CREATED", 0), ("PROCESSING", 1), (status, 2))) == {name: 1}


@pytest.mark.parametrize(("status", "name"), [("COMPLETED", "Completed"), ("FAILED", "Failed")])
def test_an_end_is_timed_from_the_first_work_on_it(status, name):
    steps = ("CREATED", 0), ("QUEUED", 0.5), ("PROCESSING", 2), ("ERRORED", 3), ("PROCESSING", 10), (status, 12.25)
    assert measures(task(*steps)) == {name: 1, "QueueWait": 2000, "Duration": 10250}


def test_a_new_run_is_timed_for_itself():
    steps = ("CREATED", 0), ("PROCESSING", 1), ("FAILED", 2), ("CREATED", 100), ("PROCESSING", 103), ("COMPLETED", 107)
    assert measures(task(*steps)) == {"Completed": 1, "QueueWait": 3000, "Duration": 4000}


def test_without_work_there_is_nothing_to_time():
    steps = ("CREATED", 0), ("PROCESSING", 1), ("FAILED", 2), ("CREATED", 3), ("FAILED", 4)
    assert measures(task(*steps)) == {"Failed": 1}


def test_clocks_that_differ_make_no_negative_time():
    assert measures(task(("CREATED", 2), ("PROCESSING", 1), ("COMPLETED", 0))) == {
        "Completed": 1,
        "QueueWait": 0,
        "Duration": 0,
    }


def test_a_history_that_may_have_been_cut_says_no_times():
    steps = [("CREATED", 0), *[("PROCESSING", 1), ("ERRORED", 2)] * ((HISTORY_LIMIT - 2) // 2), ("COMPLETED", 3)]
    whole = task(*steps)
    assert len(whole.history) == HISTORY_LIMIT
    assert measures(whole) == {"Completed": 1}
    assert len(measures(replace(whole, history=(whole.history[0], *whole.history[3:])))) == 3
