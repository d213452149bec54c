"""Several sub-tasks at once whose worker dies, or whose chunk is taken over."""

import asyncio
import threading
from collections import Counter

import pytest
from serverless_tasks import TaskType
from serverless_tasks.testing import WorkerKilled

from tests.support.crews import KINDS, SECONDS, run_chunk, sub_tasks
from tests.support.tasks import planned

pytestmark = pytest.mark.usefixtures("event_loops")


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_crash_they_run_one_at_a_time(stack, kind):
    cat = TaskType("cat", max_attempts=2, chunk_size=3, concurrency=3)
    ran, isolated, running, together = Counter(), [], set(), []
    three = threading.Barrier(3, timeout=SECONDS)

    @cat.sub_task
    @kind
    def handle(event, context):
        ran[event.index] += 1
        if not isolated:
            three.wait()
        else:
            running.add(event.index)
            together.append(len(running))
            running.remove(event.index)
        if event.index == 2:
            raise WorkerKilled
        return "done"

    key = planned(stack, [0, 1, 2])
    with pytest.raises(WorkerKilled):
        run_chunk(stack, key)
    isolated.append(True)
    stack.run(key)

    assert together == [1] * 4
    assert sub_tasks(stack, key) == ["done", "done", "WorkerLost"]
    assert ran == {0: 2, 1: 2, 2: 3}  # once by a death charged to none, then isolated, 2 twice
    assert stack.service.list_sub_tasks(key).items[2].attempt == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_crew_whose_chunk_was_taken_over_changes_nothing(stack, kind):
    cat = TaskType("cat", chunk_size=3, concurrency=2)
    both, taken_over, second = threading.Barrier(2, timeout=SECONDS), threading.Event(), []

    @cat.sub_task
    @kind
    def handle(event, context):
        if second:
            return "in time"
        both.wait()
        if event.index == 0:
            take_over(stack, key, second)
            taken_over.set()
        assert taken_over.wait(SECONDS)
        return "late"

    key = planned(stack, [0, 1, 2])
    run_chunk(stack, key)

    assert sub_tasks(stack, key) == ["in time"] * 3
    assert stack.task(key).attributes["subTaskSucceedCount"] == 3


def take_over(stack, key, second):
    """Be the worker that takes the chunk when its lease is over."""
    second.append(True)
    stack.clock.advance(2000)
    run_chunk(stack, key)


def test_a_crew_waits_for_no_thread_when_the_chunk_is_lost(stack):
    cat = TaskType("cat", chunk_size=2, concurrency=2)
    both, second = threading.Barrier(2, timeout=SECONDS), []

    @cat.sub_task
    def handle(event, context):
        if second:
            return "in time"
        both.wait()
        if event.index == 0:
            take_over(stack, key, second)
        else:
            hanging.append(threading.current_thread())
            hangs.wait(SECONDS)
        return "late"

    hanging, hangs = [], threading.Event()
    key = planned(stack, [0, 1])
    run_chunk(stack, key)

    assert sub_tasks(stack, key) == ["in time"] * 2
    assert hanging[0].is_alive()
    hangs.set()


def test_a_coroutine_is_cancelled_when_the_chunk_is_lost(stack):
    cat = TaskType("cat", chunk_size=2, concurrency=2)
    second, told, both = [], [], asyncio.Barrier(2)

    @cat.sub_task
    async def handle(event, context):
        if second:
            return "in time"
        await both.wait()
        if event.index == 0:
            await asyncio.to_thread(take_over, stack, key, second)
            return "late"
        try:
            await asyncio.Event().wait()
        finally:
            told.append("cancelled")

    key = planned(stack, [0, 1])
    run_chunk(stack, key)

    assert told == ["cancelled"]
    assert sub_tasks(stack, key) == ["in time"] * 2
