"""What a chunk shows of itself, by what its item and its task say."""

import pytest
from serverless_tasks import TaskStatus
from serverless_tasks.core.fan_out.chunk_summary import ChunkSummary, chunk_view, summary_of

from tests.support.examples import AT, a_chunk, a_fan_out

LATER = "2026-11-22T09:54:36.123Z"
HELD = {"attempt": 1, "claims": 1, "lease_until": LATER, "started_at": AT}
WAITING = {"attempt": 1, "started_at": AT, "due_at": LATER, "succeeded": 1}
GIVEN_BACK = {"attempt": 1, "started_at": AT, "unread": 1, "due_at": LATER}
DONE = {"attempt": 1, "started_at": AT, "finished_at": LATER, "succeeded": 3}
FAILED = {**DONE, "succeeded": 2, "failed": 1}


@pytest.mark.parametrize(
    ("item", "status"),
    [
        ({}, "CREATED"),
        (HELD, "PROCESSING"),
        ({**HELD, "lease_until": "2020-01-01T00:00:00.000Z"}, "PROCESSING"),  # until another worker takes it over
        (WAITING, "ERRORED"),
        (GIVEN_BACK, "ERRORED"),
        (DONE, "COMPLETED"),
        (FAILED, "FAILED"),
    ],
)
def test_of_an_open_task_a_chunk_says_where_it_is(item, status):
    assert summary_of(a_fan_out(TaskStatus.PROCESSING), a_chunk(count=3, **item)).status == status


@pytest.mark.parametrize("ended", [TaskStatus.CANCELLED, TaskStatus.FAILED])
def test_what_is_left_is_what_its_task_is(ended):
    task = a_fan_out(ended)
    for item in ({}, HELD, WAITING):
        assert summary_of(task, a_chunk(count=3, **item)).status == ended
    assert summary_of(task, a_chunk(count=3, **DONE)).status == "COMPLETED"
    assert summary_of(task, a_chunk(count=3, **FAILED)).status == "FAILED"


def test_in_a_later_run_only_what_completed_is_still_there():
    task = a_fan_out(TaskStatus.PROCESSING, run=1)
    done = summary_of(task, a_chunk(count=3, **DONE))
    assert (done.status, done.succeeded, done.started_at, done.finished_at) == ("COMPLETED", 3, AT, LATER)
    for item, succeeded in ((FAILED, 2), (WAITING, 1), (HELD, 0)):
        left = summary_of(task, a_chunk(count=3, **item))
        assert (left.status, left.succeeded, left.failed) == ("CREATED", succeeded, 0)
        assert (left.started_at, left.finished_at, left.attempt) == (None, None, 1)
    taken = summary_of(task, a_chunk(count=3, **{**HELD, "run": 1, "attempt": 2, "succeeded": 2}))
    assert (taken.status, taken.started_at) == ("PROCESSING", AT)


def test_all_of_it_is_shown():
    chunk = summary_of(a_fan_out(TaskStatus.PROCESSING), a_chunk(2, first=6, count=3, **FAILED))
    assert chunk == ChunkSummary(
        number=2,
        first=6,
        count=3,
        status=TaskStatus.FAILED,
        attempt=1,
        succeeded=2,
        failed=1,
        started_at=AT,
        finished_at=LATER,
    )
    assert chunk_view(chunk) == {
        "number": 2,
        "first": 6,
        "count": 3,
        "status": "FAILED",
        "attempt": 1,
        "startedAt": AT,
        "finishedAt": LATER,
        "succeeded": 2,
        "failed": 1,
    }


def test_a_time_that_is_not_there_is_left_out():
    view = chunk_view(summary_of(a_fan_out(), a_chunk()))
    assert not {"startedAt", "finishedAt"} & set(view)
    assert (view["succeeded"], view["failed"], view["attempt"]) == (0, 0, 0)
