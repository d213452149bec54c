"""Chunks of sub-tasks: outcomes, retries, rounds, flushes, and workers that die."""

import re
import time

import pytest
from serverless_tasks import Backoff, PermanentError, TaskStatus, TaskType
from serverless_tasks.workers.user_code.runner import CLOSING_SECONDS

from tests.support.crews import run_chunk
from tests.support.tasks import create_list, planned, statuses


def test_sub_tasks_run_with_their_element_and_keep_its_order(stack):
    cat = TaskType("cat", chunk_size=3)
    seen = []

    @cat.sub_task
    def handle(event, context):
        seen.append((event.index, event.input, str(event.task_key), context.idempotency_key, context.attempt))
        return event.input * 10

    key = create_list(stack, [1, 2, 3, 4, 5, 6, 7])
    task = stack.run(key)

    assert [(index, value) for index, value, *_ in seen] == [(i, i + 1) for i in range(7)]
    assert {(k, i, a) for _, _, k, i, a in seen} == {(f"{key}#{i}", f"{key}#{i}", 1) for i in range(7)}
    results = [s.attributes["result"] for s in stack.service.list_sub_tasks(key, limit=7).items]
    assert results == [10, 20, 30, 40, 50, 60, 70]
    counts = {name: task.attributes[name] for name in ("subTaskCount", "subTaskSucceedCount", "subTaskFailedCount")}
    assert counts == {"subTaskCount": 7, "subTaskSucceedCount": 7, "subTaskFailedCount": 0}


def test_one_of_five_fails_and_the_others_keep_their_results(stack):
    cat = TaskType("cat", max_attempts=1)

    @cat.sub_task
    def handle(event, context):
        if event.input == 3:
            raise ValueError("no three")
        return event.input

    key = create_list(stack, [0, 1, 2, 3, 4])
    task = stack.run(key)

    subs = stack.service.list_sub_tasks(key).items
    assert [s.attributes for s in subs if s.index != 3] == [{"result": i} for i in (0, 1, 2, 4)]
    assert (subs[3].status, subs[3].attributes["error"]) == (
        TaskStatus.FAILED,
        {"type": "ValueError", "message": "no three"},
    )
    assert task.status is TaskStatus.FAILED
    assert task.error == {
        "type": "SubTasksFailed",
        "message": "1 of 5 sub-tasks failed, 0 tolerated; sub-task 3: ValueError: no three",
    }


def test_a_retry_that_is_due_soon_happens_in_the_same_invocation(stack):
    cat = TaskType("cat", chunk_size=4, backoff=Backoff(base=10, factor=2, cap=60))
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append((event.index, context.attempt, (stack.clock.now - start).total_seconds()))
        if event.index == 1 and context.attempt < 3:
            raise ValueError("boom")

    key = planned(stack, [0, 1, 2])
    start = stack.clock.now
    run_chunk(stack, key)

    assert ran == [(0, 1, 0), (1, 1, 0), (2, 1, 0), (1, 2, 10), (1, 3, 30)]
    assert stack.task(key).attributes["subTaskSucceedCount"] == 3


def test_a_retry_that_is_due_later_is_left_to_a_later_round(stack):
    cat = TaskType("cat", chunk_size=4, backoff=Backoff(base=600, cap=600))
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append((event.index, context.attempt, (stack.clock.now - start).total_seconds()))
        if event.index == 1 and context.attempt == 1:
            raise ValueError("boom")

    start = stack.clock.now
    key = create_list(stack, [0, 1, 2])
    task = stack.run(key)

    assert ran == [(0, 1, 0), (1, 1, 0), (2, 1, 0), (1, 2, 600)]
    assert task.status is TaskStatus.COMPLETED
    assert [s.attempt for s in stack.service.list_sub_tasks(key).items] == [1, 2, 1]


def test_a_waiting_sub_task_is_created_and_shows_its_error(stack):
    cat = TaskType("cat", backoff=Backoff(base=600, cap=600))
    cat.sub_task(lambda event, context: 1 / 0)
    key = planned(stack, [0])

    run_chunk(stack, key)

    [sub_task] = stack.service.list_sub_tasks(key).items
    assert (sub_task.status, sub_task.attempt, sub_task.finished_at) == (TaskStatus.CREATED, 1, None)
    assert sub_task.attributes == {"error": {"type": "ZeroDivisionError", "message": "division by zero"}}
    assert stack.task(key).attributes["subTaskFailedCount"] == 0


@pytest.mark.parametrize("failure", [PermanentError("never"), None])
def test_permanent_failures_are_not_retried(stack, failure):
    cat = TaskType("cat", max_attempts=5)
    attempts = []

    @cat.sub_task
    def handle(event, context):
        attempts.append(context.attempt)
        if failure:
            raise failure
        return {1, 2}  # not JSON

    stack.run(create_list(stack, [0]))

    assert attempts == [1]


@pytest.mark.parametrize("length", [5, 3900, 4100, 300_000, 1_100_000])
def test_results_of_any_size_are_kept(stack, length):
    cat = TaskType("cat", chunk_size=2)
    cat.sub_task(lambda event, context: "r" * event.input)
    lengths = []
    cat.finished(lambda event, outcomes: lengths.extend(len(outcome.result) for outcome in outcomes))

    key = create_list(stack, [length, 1, length])
    stack.run(key)

    assert lengths == [length, 1, length]
    [first, *_] = stack.service.list_sub_tasks(key).items
    assert set(first.attributes) == {"resultRef" if length > 262_144 - 2 else "result"}


@pytest.mark.parametrize("length", [5, 3900, 4100, 300_000, 1_100_000])
def test_elements_of_any_size_reach_their_sub_task(stack, length):
    cat = TaskType("cat", chunk_size=2)
    cat.sub_task(lambda event, context: [len(event.input), event.input[0]])
    value = "\u2028é\n" + "i" * length  # line separators that are none in JSON Lines

    key = create_list(stack, [value, "b", value])
    stack.run(key)

    n = length + 3
    results = [s.attributes["result"] for s in stack.service.list_sub_tasks(key).items]
    assert results == [[n, "\u2028"], [1, "b"], [n, "\u2028"]]


def test_results_with_line_separators_stay_one_line(stack):
    cat = TaskType("cat", chunk_size=2)
    cat.sub_task(lambda event, context: "a\u2028b\x85c\nd\r" * event.input)

    key = create_list(stack, [1, 2000])
    stack.run(key)

    results = [s.attributes["result"] for s in stack.service.list_sub_tasks(key).items]
    assert results == ["a\u2028b\x85c\nd\r", "a\u2028b\x85c\nd\r" * 2000]


def test_a_sub_task_that_others_left_no_time_is_not_charged(stack):
    cat = TaskType("cat", chunk_size=3, timeout=800, max_attempts=1)
    started = []

    @cat.sub_task
    def handle(event, context):
        started.append((event.index, context.attempt, round(context.remaining_time)))
        stack.clock.advance(500)

    task = stack.run(create_list(stack, [0, 1, 2]))

    # 895 s of an invocation are enough for one; the others begin in invocations of their own.
    assert started == [(0, 1, 800), (1, 1, 800), (2, 1, 800)]
    assert task.status is TaskStatus.COMPLETED


def test_a_sub_task_that_is_interrupted_because_of_others_is_not_charged(stack):
    cat = TaskType("cat", chunk_size=2, timeout=800, max_attempts=1)
    left, started = [900.0], []

    @cat.sub_task
    def handle(event, context):
        started.append((event.index, context.attempt))
        left[0] = CLOSING_SECONDS + 0.02
        if started == [(0, 1), (1, 1)]:
            time.sleep(60)

    key = planned(stack, [0, 1])
    stack.chunk_worker.handle({"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0}, lambda: left[0])
    assert statuses(stack, key) == ["COMPLETED", "CREATED"]

    stack.run(key)
    assert started == [(0, 1), (1, 1), (1, 1)]
    assert statuses(stack, key) == ["COMPLETED", "COMPLETED"]


def test_a_sub_task_ends_at_its_timeout(stack):
    cat = TaskType("cat", chunk_size=2, timeout=1, max_attempts=1)
    cat.sub_task(lambda event, context: time.sleep(event.input))

    key = create_list(stack, [0, 10])
    stack.run(key)

    assert statuses(stack, key) == ["COMPLETED", "FAILED"]
    error = stack.service.list_sub_tasks(key).items[1].attributes["error"]
    assert error["type"] == "AttemptTimeout"
    assert re.fullmatch(
        r"the attempt ran longer than 1 s; it was at .*/test_run\.py:\d+, in <lambda>", error["message"]
    )
