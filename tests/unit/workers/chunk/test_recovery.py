"""Chunks: workers that die, chunks that are taken over, counts that are said twice."""

import asyncio

import pytest
from serverless_tasks import Backoff, TaskStatus, TaskType
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.fan_out.outcomes import completed_line
from serverless_tasks.testing import WorkerKilled
from serverless_tasks.workers.chunk import run
from serverless_tasks.workers.user_code import deadlines

from tests.support.crews import die_before_the_count, run_chunk
from tests.support.examples import AT
from tests.support.tasks import create_list, planned, relay_all, statuses


def test_a_sub_task_that_kills_its_worker_is_charged_for_it_alone(stack):
    cat = TaskType("cat", max_attempts=2, chunk_size=5)
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        if event.index == 2:
            raise WorkerKilled
        return event.index

    key = create_list(stack, [0, 1, 2, 3, 4])
    task = stack.run(key)

    assert statuses(stack, key) == ["COMPLETED", "COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    failed = stack.service.list_sub_tasks(key).items[2]
    assert failed.attributes["error"]["type"] == "WorkerLost"
    assert failed.attempt == 2
    # Once without anybody knowing who did it, then isolated, twice.
    assert ran.count(2) == 3
    assert task.attributes["subTaskSucceedCount"] == 4


def test_a_worker_that_dies_before_any_sub_task_ends_the_chunk_failed(stack, monkeypatch):
    cat = TaskType("cat", max_attempts=3, chunk_size=2)
    cat.sub_task(lambda event, context: None)

    def die(*_args):
        raise WorkerKilled

    monkeypatch.setattr(run, "elements", die)
    monkeypatch.setattr(chunks, "mark_in_flight", die)
    key = create_list(stack, [0, 1])
    task = stack.run(key)

    assert task.status is TaskStatus.FAILED
    assert statuses(stack, key) == ["FAILED", "FAILED"]


def test_outcomes_are_flushed_now_and_then_and_survive_a_death(stack):
    cat = TaskType("cat", chunk_size=10)
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        stack.clock.advance(3)
        if event.index == 7 and ran.count(7) == 1:
            raise WorkerKilled
        return event.index

    key = create_list(stack, list(range(10)))
    task = stack.run(key)

    assert task.status is TaskStatus.COMPLETED
    # Flushed after 2, 4 and 6 sub-tasks: 6 and 7 ran again, the others did not.
    assert ran == [0, 1, 2, 3, 4, 5, 6, 7, 6, 7, 8, 9]


def test_a_long_chunk_is_flushed_ever_more_seldom(stack, before_writes):
    cat = TaskType("cat", chunk_size=800)
    flushes = []
    cat.sub_task(lambda event, context: stack.clock.advance(1))
    key = planned(stack, list(range(800)))
    before_writes(lambda change: flushes.append(change.set.get("claims") == 1))
    run_chunk(stack, key)

    assert 30 < sum(flushes) < 50  # 10 in the first 50 s, then each time a tenth more


@pytest.mark.parametrize("change", ["cancel", "cancel and retry"])
def test_a_chunk_of_a_task_that_ended_does_nothing(stack, change):
    cat = TaskType("cat")
    ran = []
    cat.sub_task(lambda event, context: ran.append(1))
    key = planned(stack, [0])
    stack.service.cancel_task(key)
    if change == "cancel and retry":
        stack.service.retry_task(key)

    run_chunk(stack, key)

    assert ran == []


def test_cancel_stops_a_chunk_at_its_next_flush(stack):
    cat = TaskType("cat", chunk_size=20)
    ran, seen = [], []

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        stack.clock.advance(2)
        if event.index == 4:
            stack.service.cancel_task(key)
        seen.append(context.cancelled)

    key = planned(stack, list(range(20)))
    run_chunk(stack, key)

    assert len(ran) < 10
    assert seen[-1]
    assert stack.task(key).status is TaskStatus.CANCELLED
    assert statuses(stack, key)[-1] == "CANCELLED"
    assert statuses(stack, key)[0] == "COMPLETED"


def test_a_chunk_that_is_held_is_not_run_twice_at_once(stack):
    cat = TaskType("cat", chunk_size=2)
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        if len(ran) == 1:
            run_chunk(stack, key)

    key = planned(stack, [0, 1])
    run_chunk(stack, key)

    assert ran == [0, 1]
    assert stack.task(key).attributes["subTaskSucceedCount"] == 2


def test_a_worker_whose_chunk_was_taken_over_changes_nothing(stack):
    cat = TaskType("cat", chunk_size=2)

    @cat.sub_task
    def handle(event, context):
        if event.index == 0 and not stalled:
            stalled.append(1)
            stack.clock.advance(2000)  # beyond the lease
            run_chunk(stack, key)
            return "late"
        return "in time"

    stalled: list[int] = []
    key = planned(stack, [0, 1])
    run_chunk(stack, key)

    results = [s.attributes["result"] for s in stack.service.list_sub_tasks(key).items]
    assert results == ["in time", "in time"]
    assert stack.task(key).attributes["subTaskSucceedCount"] == 2


def test_a_finished_chunk_is_counted_once_however_often_it_is_said(stack, before_writes):
    TaskType("cat", chunk_size=2).sub_task(lambda event, context: None)
    key = planned(stack, [0, 1, 2])
    before_writes(die_before_the_count)
    with pytest.raises(WorkerKilled):
        run_chunk(stack, key)
    before_writes(lambda _: None)
    assert stack.task(key).attributes["subTaskSucceedCount"] == 0

    run_chunk(stack, key)
    run_chunk(stack, key)

    task = stack.task(key)
    assert (task.attributes["subTaskSucceedCount"], task.done_chunks) == (2, {0})
    assert (task.version, task.change) == (2, "data")


def test_a_retry_runs_only_what_did_not_complete(stack):
    cat = TaskType("cat", max_attempts=1, chunk_size=2)
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append((context.run, event.index))
        if context.run == 0 and event.index == 1:
            raise ValueError("first time")
        return context.run

    key = create_list(stack, [0, 1, 2, 3])
    stack.run(key)
    stack.service.retry_task(key)
    assert statuses(stack, key) == ["COMPLETED", "CREATED", "COMPLETED", "COMPLETED"]
    task = stack.run(key)

    assert ran == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1)]
    assert task.status is TaskStatus.COMPLETED
    assert task.attributes["subTaskSucceedCount"] == 4
    assert [s.attributes["result"] for s in stack.service.list_sub_tasks(key).items] == [0, 1, 0, 0]
    assert (task.run, task.error, task.execution_arn) == (1, None, f"{key.code}-1")


def test_outcomes_that_the_bucket_lost_are_made_again(stack):
    cat = TaskType("cat", chunk_size=3, backoff=Backoff(base=600, cap=600))
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        if event.index == 2 and ran.count(2) == 1:
            raise ValueError("boom")
        return "r" * 5000

    key = planned(stack, [0, 1, 2])
    run_chunk(stack, key)
    stack.memory.payloads.objects.clear()
    task = stack.run(key)

    assert ran == [0, 1, 2, 0, 1, 2]
    assert task.status is TaskStatus.COMPLETED


def test_a_chunk_that_its_worker_of_the_run_before_completes_in_time_is_not_begun_again(stack, monkeypatch):
    TaskType("cat", chunk_size=1).sub_task(lambda event, context: context.run)
    key = planned(stack, [0])
    stack.service.cancel_task(key)
    stack.service.retry_task(key)
    relay_all(stack)
    stack._executions()[0].step()
    update, [chunk] = stack.memory.table.update, stack.memory.table.chunks("mbc", key.code)

    def completed_in_time(change):
        monkeypatch.setattr(stack.memory.table, "update", update)
        if "finishedAt" in change.remove:  # the take-over, by what was read before
            written = {"outcomes": f"{completed_line(0, 1, AT, AT, '0')}\n"}
            update(chunks.release(chunk, written, (1, 0), stack.clock(), None))
            run_chunk(stack, key, run=1)  # finds it done and counts it
        else:
            monkeypatch.setattr(stack.memory.table, "update", completed_in_time)
        return update(change)

    monkeypatch.setattr(stack.memory.table, "update", completed_in_time)
    run_chunk(stack, key, run=1)

    [chunk] = stack.memory.table.chunks("mbc", key.code)
    assert stack.task(key).done_chunks == {0}
    assert (chunk.run, chunk.attempt, chunk.done_in(1)) == (0, 0, True)


def test_a_killer_with_a_long_backoff_is_charged_for_each_death_but_the_first(stack):
    cat = TaskType("cat", max_attempts=3, chunk_size=3, backoff=Backoff(base=60, factor=1, cap=60))
    attempts = []

    @cat.sub_task
    def handle(event, context):
        if event.index == 1:
            attempts.append(context.attempt)
            raise WorkerKilled

    key = create_list(stack, [0, 1, 2])
    stack.run(key)

    assert statuses(stack, key) == ["COMPLETED", "FAILED", "COMPLETED"]
    # The first death is charged to none. Each later round knows that a killer is in the chunk, and isolates it.
    assert attempts == [1, 1, 2, 3]


def test_loading_the_elements_takes_no_sub_task_s_time(stack, monkeypatch):
    TaskType("cat", chunk_size=2).sub_task(lambda event, context: context.remaining_time)
    inside = []
    deadline, elements = deadlines.deadline, run.elements
    monkeypatch.setattr(deadlines, "deadline", lambda seconds: inside.append("a deadline") or deadline(seconds))
    monkeypatch.setattr(run, "elements", lambda *given: inside.append("loading") or elements(*given))

    stack.run(create_list(stack, ["x" * 5000] * 2))

    assert inside == ["loading", "a deadline", "a deadline"]


@pytest.mark.parametrize("raised", [asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit])
def test_whatever_a_handler_raises_ends_its_attempt_and_not_its_worker(stack, raised):
    cat = TaskType("cat", max_attempts=1, chunk_size=2)

    @cat.sub_task
    def handle(event, context):
        if event.index == 0:
            raise raised

    key = create_list(stack, [0, 1])
    stack.run(key)

    assert statuses(stack, key) == ["FAILED", "COMPLETED"]
    assert stack.service.list_sub_tasks(key).items[0].attributes["error"]["type"] == raised.__name__
