"""Ends before every chunk has ended: counters are what the sub-tasks say, however the task ended."""

import pytest
from serverless_tasks import PermanentError, TaskStatus, TaskType
from serverless_tasks.core.task_types.task_type import forget_task_types
from serverless_tasks.testing import WorkerKilled
from serverless_tasks.workers.chunk import run

from tests.support.tasks import planned, statuses


def counters(task):
    return (task.attributes["subTaskSucceedCount"], task.attributes["subTaskFailedCount"])


def stopped(stack, key):
    """The execution is stopped, and the sweeper finds out."""
    stack.memory.executions.stopped.add(stack.task(key).execution_arn)
    while not stack.task(key).status.terminal:
        stack.clock.advance(300)
        stack.sweep()
    return stack.task(key)


def given_up(stack, key):
    stack.invoke("finish", {"pk": key.pk, "sk": key.sk, "run": 0, "failure": {"Error": "x"}})
    return stack.task(key)


def without_code(stack, key):
    forget_task_types()
    stack.invoke("plan", {"input": {"pk": key.pk, "sk": key.sk, "run": 0}, "executionArn": key.code})
    return stack.task(key)


@pytest.fixture
def half_done(stack):
    """A task whose first chunk nobody counted, whose second one was left half-way, and whose third never began."""
    cat = TaskType("cat", chunk_size=2)

    @cat.sub_task
    def handle(event, context):
        stack.clock.advance(6)
        if event.index == 1:
            raise PermanentError("broken")
        if event.index == 3:
            raise WorkerKilled

    key = planned(stack, [0, 1, 2, 3, 4])
    counted = run.count_chunk

    def die(*_):
        raise WorkerKilled

    for number in (0, 1):
        run.count_chunk = die
        try:
            stack.invoke("chunk", {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": number})
        except WorkerKilled:
            pass
        finally:
            run.count_chunk = counted
    return key


@pytest.mark.parametrize("end", [stopped, given_up, without_code])
def test_an_end_counts_what_has_an_outcome(stack, half_done, end):
    assert counters(stack.task(half_done)) == (0, 0)

    task = end(stack, half_done)

    assert task.status is TaskStatus.FAILED
    assert statuses(stack, half_done)[:3] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert counters(task) == (2, 1)


def test_a_retry_that_ends_before_its_plan_counts_what_earlier_runs_completed(stack, half_done):
    given_up(stack, half_done)
    stack.service.retry_task(half_done)

    forget_task_types()
    task = stack.run(half_done)

    assert (task.status, counters(task)) == (TaskStatus.FAILED, (2, 0))


def test_what_was_counted_stays_so_when_its_chunk_has_expired(stack):
    TaskType("cat", chunk_size=1).sub_task(lambda event, context: None)
    key = planned(stack, [0, 1])
    stack.invoke("chunk", {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0})
    del stack.memory.table.items[f"SUB_TASK#mbc#{key.code}", "000000"]

    assert counters(given_up(stack, key)) == (1, 0)


def test_a_task_whose_chunks_cannot_be_counted_ends_all_the_same(stack, half_done, monkeypatch):
    def refuse(*_):
        raise KeyError("range")

    monkeypatch.setattr(stack.memory.table, "chunks", refuse)
    assert given_up(stack, half_done).status is TaskStatus.FAILED
