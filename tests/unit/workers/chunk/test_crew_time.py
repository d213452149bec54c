"""Several sub-tasks at once that run too long, or lose their time to others."""

import asyncio
import contextlib
import re
import threading
import time

import pytest
from serverless_tasks import TaskType
from serverless_tasks.testing import MemoryStack
from serverless_tasks.workers.chunk import crew, run
from serverless_tasks.workers.chunk.sub_task import SubTask
from serverless_tasks.workers.user_code import coroutines
from serverless_tasks.workers.user_code.runner import CLOSING_SECONDS

from tests.support.crews import SECONDS, in_loop, in_thread, run_chunk, sub_tasks
from tests.support.tasks import planned

pytestmark = pytest.mark.usefixtures("event_loops")


@pytest.fixture
def release():
    """Ends what hangs, at the latest when the test does."""
    event = threading.Event()
    yield event
    event.set()


def timed_out(monkeypatch, then):
    """Call this when an attempt is given up."""
    original = SubTask.timed_out

    def told(run, by):
        then()
        return original(run, by)

    monkeypatch.setattr(SubTask, "timed_out", told)


def run_with(stack: MemoryStack, key, remaining):
    """Call the worker of the first chunk in an invocation that has so much time left."""
    stack.chunk_worker.handle({"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0}, remaining)


def test_a_thread_is_given_up_at_its_timeout_and_its_late_result_dropped(stack, release):
    cat = TaskType("cat", chunk_size=3, concurrency=2, timeout=1, max_attempts=1)
    late = []

    @cat.sub_task
    def handle(event, context):
        if event.index == 0:
            release.wait(SECONDS)
            late.append(threading.current_thread())
        return "done"

    key = planned(stack, [0, 1, 2])
    run_chunk(stack, key)
    error = stack.service.list_sub_tasks(key).items[0].attributes["error"]
    items = dict(stack.memory.table.items)
    release.set()
    stack.run(key)

    assert error["type"] == "AttemptTimeout"
    said = r"^the attempt ran longer than 1 s; it was at tests/unit/workers/chunk/test_crew_time\.py:\d+, in handle$"
    assert re.search(said, error["message"])
    assert sub_tasks(stack, key) == ["AttemptTimeout", "done", "done"]
    assert items[key.pk, key.sk]["attributes"]["subTaskFailedCount"] == 1


def test_a_coroutine_is_cancelled_at_its_timeout(stack):
    cat = TaskType("cat", chunk_size=3, concurrency=2, timeout=1, max_attempts=1)
    told = []

    @cat.sub_task
    async def handle(event, context):
        if event.index == 0:
            try:
                await asyncio.Event().wait()
            finally:
                told.append("cancelled")
        return "done"

    key = planned(stack, [0, 1, 2])
    run_chunk(stack, key)

    assert told == ["cancelled"]
    assert sub_tasks(stack, key) == ["AttemptTimeout", "done", "done"]


def test_a_thread_that_was_given_up_keeps_its_place_until_it_returns(stack, monkeypatch, release):
    cat = TaskType("cat", chunk_size=3, concurrency=2, timeout=1, max_attempts=1)
    running, together = set(), []

    @cat.sub_task
    def handle(event, context):
        running.add(event.index)
        together.append(len(running))
        if event.index < 2:
            release.wait(SECONDS)
        running.remove(event.index)
        return "done"

    given_up = []
    timed_out(monkeypatch, lambda: given_up.append(1) or (len(given_up) == 2 and release.set()))
    key = planned(stack, [0, 1, 2])
    run_chunk(stack, key)

    assert max(together) == 2
    assert sub_tasks(stack, key) == ["AttemptTimeout", "AttemptTimeout", "done"]


def test_where_every_thread_hangs_the_rest_is_left_to_a_later_round(stack, monkeypatch, release):
    monkeypatch.setattr(run, "IDLE_SECONDS", 0.01)
    cat = TaskType("cat", chunk_size=4, concurrency=2, timeout=1, max_attempts=1)
    started = []

    @cat.sub_task
    def handle(event, context):
        started.append(event.index)
        if event.index < 2:
            release.wait(SECONDS)
        return "done"

    key = planned(stack, [0, 1, 2, 3])
    run_chunk(stack, key)
    assert (sorted(started), sub_tasks(stack, key)) == ([0, 1], ["AttemptTimeout"] * 2 + ["CREATED"] * 2)

    run_chunk(stack, key)
    assert sub_tasks(stack, key) == ["AttemptTimeout"] * 2 + ["done"] * 2


@pytest.mark.parametrize("kind", [in_thread, in_loop])
def test_a_sub_task_that_lost_its_time_to_others_is_not_charged(stack, monkeypatch, release, kind):
    cat = TaskType("cat", chunk_size=3, concurrency=2, timeout=800, max_attempts=1)
    left, started = [900.0], []
    timed_out(monkeypatch, release.set)

    @cat.sub_task
    @kind
    def handle(event, context):
        started.append((event.index, context.attempt))
        if event.index == 0:
            left[0] = CLOSING_SECONDS + 0.02
        if event.index == 2:
            release.wait(SECONDS)
        return "done"

    key = planned(stack, [0, 1, 2])
    run_with(stack, key, lambda: left[0])
    assert sub_tasks(stack, key) == ["done", "done", "CREATED"]

    stack.run(key)
    assert sub_tasks(stack, key) == ["done", "done", "done"]
    assert sorted(started) == [(0, 1), (1, 1), (2, 1), (2, 1)]


@pytest.mark.parametrize("kind", [in_thread, in_loop])
def test_a_sub_task_that_had_the_whole_invocation_is_charged(stack, monkeypatch, release, kind):
    cat = TaskType("cat", chunk_size=2, concurrency=2, timeout=800, max_attempts=1)
    given_up = []
    timed_out(monkeypatch, lambda: given_up.append(1) or (len(given_up) == 2 and release.set()))
    cat.sub_task(kind(lambda event, context: release.wait(SECONDS)))

    key = planned(stack, [0, 1])
    run_with(stack, key, lambda: CLOSING_SECONDS + 0.02)

    errors = [s.attributes["error"] for s in stack.service.list_sub_tasks(key).items]
    assert [error["type"] for error in errors] == ["AttemptTimeout"] * 2
    said = "the attempt ran longer than its invocation; it was at tests/"
    assert all(error["message"].startswith(said) for error in errors)


def test_a_coroutine_that_holds_up_the_event_loop_is_interrupted(stack, monkeypatch):
    monkeypatch.setattr(crew, "BLOCKED_SECONDS", 0.02)
    cat = TaskType("cat", chunk_size=2, concurrency=2, timeout=800, max_attempts=1)

    @cat.sub_task
    async def handle(event, context):
        time.sleep(SECONDS) if event.index == 0 else await asyncio.sleep(SECONDS)

    key = planned(stack, [0, 1])
    run_with(stack, key, lambda: CLOSING_SECONDS + 0.02)

    assert sub_tasks(stack, key) == ["AttemptTimeout", "AttemptTimeout"]


@pytest.mark.parametrize(("left_then", "second"), [(45.0, "done"), (0.0, "CREATED")])
def test_a_sub_task_that_had_not_begun_is_not_charged_for_a_neighbour_that_held_up_the_loop(
    stack, monkeypatch, left_then, second
):
    cat = TaskType("cat", chunk_size=2, concurrency=2, timeout=800, max_attempts=1)
    now, left, started = [0.0], [900.0], []
    monkeypatch.setattr(crew, "_loop_time", lambda: now[0])

    @cat.sub_task
    async def handle(event, context):
        started.append((event.index, context.attempt))
        if started == [(0, 1)]:
            now[0], left[0] = 850.0, CLOSING_SECONDS + left_then
        elif len(started) == 2:
            for _ in range(5) if left_then else iter(int, 1):
                await asyncio.sleep(0)
        return "done"

    key = planned(stack, [0, 1])
    run_with(stack, key, lambda: left[0])
    assert sub_tasks(stack, key) == ["done", second]

    stack.run(key)
    assert sub_tasks(stack, key) == ["done", "done"]
    assert {attempt for _, attempt in started} == {1}


def test_an_event_loop_that_is_late_itself_ends_in_time(stack, monkeypatch):
    monkeypatch.setattr(crew, "BLOCKED_SECONDS", 0.02)
    monkeypatch.setattr(crew, "_loop_time", lambda: 0.0)  # no time is ever up, by the loop
    cat = TaskType("cat", chunk_size=3, concurrency=2, timeout=800, max_attempts=1)
    told = []

    @cat.sub_task
    async def handle(event, context):
        try:
            await asyncio.sleep(SECONDS)
        finally:
            told.append(event.index)

    key = planned(stack, [0, 1, 2])
    run_with(stack, key, lambda: CLOSING_SECONDS + 0.02)

    assert sorted(told) == [0, 1]
    assert sub_tasks(stack, key) == ["AttemptTimeout", "AttemptTimeout", "CREATED"]


def test_a_coroutine_that_cancels_itself_has_failed(stack):
    cat = TaskType("cat", chunk_size=3, concurrency=3, max_attempts=1)

    @cat.sub_task
    async def handle(event, context):
        if event.index == 1:
            asyncio.current_task().cancel()
        await asyncio.sleep(0)
        return "done"

    key = planned(stack, [0, 1, 2])
    run_chunk(stack, key)

    assert sub_tasks(stack, key) == ["done", "RuntimeError", "done"]


def test_a_coroutine_that_swallows_its_cancellation_holds_nothing_but_itself(stack, monkeypatch):
    monkeypatch.setattr(coroutines, "GRACE_SECONDS", 0.01)
    cat = TaskType("cat", chunk_size=3, concurrency=3, timeout=1, max_attempts=1)

    @cat.sub_task
    async def handle(event, context):
        while event.index == 1:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(SECONDS)
        return "done"

    key, began = planned(stack, [0, 1, 2]), time.monotonic()
    run_chunk(stack, key)

    assert sub_tasks(stack, key) == ["done", "AttemptTimeout", "done"]
    assert time.monotonic() - began < SECONDS
