"""Several sub-tasks at once: how many, in which order, and what becomes of those that fail or are done too late."""

import asyncio
import threading
from functools import partial

import pytest
from serverless_tasks import Backoff, EventFactory, PermanentError, TaskStatus, TaskType
from serverless_tasks.testing import MemoryStack
from serverless_tasks.workers.chunk.run import ChunkWorker
from serverless_tasks.workers.user_code.routing import HandlerRouter

from tests.support.crews import KINDS, SECONDS, in_loop, run_chunk, sub_tasks
from tests.support.tasks import planned

pytestmark = pytest.mark.usefixtures("event_loops")


@pytest.fixture(params=KINDS)
def kind(request):
    """Makes a handler of each kind of a plain function."""
    return request.param


def test_so_many_run_at_once_and_never_more(stack, kind):
    cat = TaskType("cat", chunk_size=9, concurrency=3)
    three, lock, running, most = threading.Barrier(3, timeout=SECONDS), threading.Lock(), set(), []

    @cat.sub_task
    @kind
    def handle(event, context):
        with lock:
            running.add(event.index)
            most.append(len(running))
        three.wait()
        with lock:
            running.remove(event.index)
        return [event.input, context.attempt, context.idempotency_key]

    key = planned(stack, list("abcdefghi"))
    run_chunk(stack, key)

    assert max(most) == 3
    assert sub_tasks(stack, key) == [[letter, 1, f"{key}#{i}"] for i, letter in enumerate("abcdefghi")]
    assert stack.task(key).attributes["subTaskSucceedCount"] == 9


def test_outcomes_are_in_input_order_whichever_ends_first(stack, kind):
    cat = TaskType("cat", chunk_size=4, concurrency=4)
    begun, ended, may_end = [], [], [threading.Event() for _ in range(5)]
    may_end[4].set()

    @cat.sub_task
    @kind
    def handle(event, context):
        begun.append(event.index)
        assert may_end[event.index + 1].wait(SECONDS)
        ended.append(event.index)
        may_end[event.index].set()
        return event.input

    cat.finished(lambda event, outcomes: [outcome.result for outcome in outcomes])
    task = stack.run(planned(stack, list("abcd")))

    assert ended == [3, 2, 1, 0]
    assert task.result == list("abcd")


def test_coroutines_begin_in_input_order(stack):
    cat = TaskType("cat", chunk_size=6, concurrency=2)
    begun = []

    @cat.sub_task
    async def handle(event, context):
        begun.append(event.index)
        await asyncio.sleep(0)

    run_chunk(stack, planned(stack, list(range(6))))

    assert begun == [0, 1, 2, 3, 4, 5]


def test_coroutines_share_one_event_loop(stack):
    cat = TaskType("cat", chunk_size=4, concurrency=2)
    loops = set()

    @cat.sub_task
    async def handle(event, context):
        loops.add(asyncio.get_running_loop())

    run_chunk(stack, planned(stack, [0, 1, 2, 3]))

    [loop] = loops
    assert loop.is_closed()


def test_each_fails_for_itself(stack, kind, caplog):
    cat = TaskType("cat", chunk_size=6, concurrency=3, max_attempts=2, backoff=Backoff(base=10))
    attempts = []

    @cat.sub_task
    @kind
    def handle(event, context):
        attempts.append((event.index, context.attempt))
        match event.index:
            case 1:
                raise ValueError("no")
            case 2:
                raise PermanentError("never")
            case 3:
                return {1, 2}  # not JSON
            case 4:
                raise SystemExit
        return "done"

    key = planned(stack, list(range(6)))
    run_chunk(stack, key)

    failed = ["ValueError", "PermanentError", "InvalidResult", "SystemExit"]
    assert sub_tasks(stack, key) == ["done", *failed, "done"]
    assert sorted(attempts) == [(0, 1), (1, 1), (1, 2), (2, 1), (3, 1), (4, 1), (4, 2), (5, 1)]
    logged = [record.index for record in caplog.records if record.message == "a sub-task failed"]
    assert sorted(logged) == [1, 1, 4, 4]


class Odd(BaseException):
    """What no handler should raise."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, Odd])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_whatever_one_raises_ends_its_attempt_and_not_the_worker(stack, kind, error, concurrency):
    cat = TaskType("cat", chunk_size=3, concurrency=concurrency, max_attempts=1)

    def handle(event, context):
        if event.index == 1:
            raise error
        return "done"

    async def handle_in_loop(event, context):
        return handle(event, context)

    cat.sub_task(handle_in_loop if kind is in_loop else kind(handle))  # no thread for it: some would not pass out
    key = planned(stack, [0, 1, 2])
    run_chunk(stack, key)

    assert sub_tasks(stack, key) == ["done", error.__name__, "done"]


def test_whatever_comes_out_of_a_group_ends_its_attempt_and_not_the_worker(stack):
    cat = TaskType("cat", chunk_size=2, concurrency=2, max_attempts=1)

    @cat.sub_task
    async def handle(event, context):
        if event.index == 0:
            raise BaseExceptionGroup("of a loop of its own", [KeyboardInterrupt(), ValueError()])
        return "done"

    key = planned(stack, [0, 1])
    run_chunk(stack, key)

    assert sub_tasks(stack, key) == ["BaseExceptionGroup", "done"]


def test_what_decides_passes_out_of_a_task_group(stack):
    cat = TaskType("cat", chunk_size=2, concurrency=2)
    attempts = []

    @cat.sub_task
    async def handle(event, context):
        attempts.append(event.index)
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(ValueError()))
            group.create_task(fail(PermanentError() if event.index else ValueError()))

    async def fail(error):
        raise error

    key = planned(stack, [0, 1])
    run_chunk(stack, key)

    assert sub_tasks(stack, key) == ["ExceptionGroup", "PermanentError"]
    assert attempts == [0, 1, 0, 0]


def test_what_fails_is_tried_again_while_others_run(stack, kind):
    cat = TaskType("cat", chunk_size=3, concurrency=2, backoff=Backoff(base=0.02))
    again = threading.Event()

    @cat.sub_task
    @kind
    def handle(event, context):
        if event.index == 0:
            assert again.wait(SECONDS)
        elif event.index == 1 and context.attempt == 1:
            raise ValueError("first time")
        elif event.index == 1:
            again.set()
        return context.attempt

    key = planned(stack, [0, 1, 2])
    worker = ChunkWorker(stack.memory, HandlerRouter(), rand=lambda: 1.0)  # by the clock on the wall
    worker.handle({"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0}, lambda: 900.0)

    assert sub_tasks(stack, key) == [1, 2, 1]


def test_a_retry_that_is_due_later_is_left_to_a_later_round(stack, kind):
    cat = TaskType("cat", chunk_size=4, concurrency=4, backoff=Backoff(base=600, cap=600))
    ran = []

    @cat.sub_task
    @kind
    def handle(event, context):
        ran.append((event.index, context.attempt, (stack.clock.now - start).total_seconds()))
        if event.index == 1 and context.attempt == 1:
            raise ValueError("boom")

    start = stack.clock.now
    task = stack.run(planned(stack, [0, 1, 2]))

    assert sorted(ran) == [(0, 1, 0), (1, 1, 0), (1, 2, 600), (2, 1, 0)]
    assert task.status is TaskStatus.COMPLETED


@pytest.mark.parametrize("length", [5, 300_000])
def test_results_of_any_size(stack, kind, length):
    cat = TaskType("cat", chunk_size=3, concurrency=3)
    cat.sub_task(kind(lambda event, context: "r" * event.input))
    cat.finished(lambda event, outcomes: [len(outcome.result) for outcome in outcomes])

    key = planned(stack, [length, 1, length])
    task = stack.run(key)

    assert task.result == [length, 1, length]
    [first, *_] = stack.service.list_sub_tasks(key).items
    assert set(first.attributes) == {"resultRef" if length > 262_144 - 2 else "result"}


def test_what_a_thread_cannot_pass_on_fails_like_any_error(stack):
    cat = TaskType("cat", chunk_size=2, concurrency=2, max_attempts=1)
    cat.sub_task(lambda event, context: next(iter([])))
    key = planned(stack, [0])
    run_chunk(stack, key)

    assert sub_tasks(stack, key) == ["StopIteration"]


def test_a_sub_task_without_a_handler_fails_at_once():
    class NoEvents(EventFactory):
        def transform_step_function(self, event):
            return []

    stack = MemoryStack(HandlerRouter(events=NoEvents()))
    TaskType("cat", chunk_size=2, concurrency=2)
    key = planned(stack, [0, 1])
    run_chunk(stack, key)

    assert sub_tasks(stack, key) == ["NoHandler", "NoHandler"]


def test_no_more_are_started_than_there_is_time_for(stack, kind):
    cat = TaskType("cat", chunk_size=6, concurrency=2, timeout=800)
    started = []
    pair = threading.Barrier(2, action=partial(stack.clock.advance, 400), timeout=SECONDS)

    @cat.sub_task
    @kind
    def handle(event, context):
        started.append((event.index, (stack.clock.now - start).total_seconds()))
        pair.wait()

    key = planned(stack, list(range(6)))
    start = stack.clock.now
    run_chunk(stack, key)
    run_chunk(stack, key)

    # 895 s of an invocation are enough for two pairs; the last one has an invocation of its own.
    assert sorted(started) == [(0, 0), (1, 0), (2, 400), (3, 400), (4, 800), (5, 800)]


def test_a_cancelled_task_lets_what_runs_end_and_starts_nothing(stack, kind):
    cat = TaskType("cat", chunk_size=6, concurrency=2)
    started, seen, cancelled = [], [], threading.Event()

    @cat.sub_task
    @kind
    def handle(event, context):
        started.append(event.index)
        if event.index == 0:
            stack.service.cancel_task(key)
            stack.clock.advance(6)
            cancelled.set()
        assert cancelled.wait(SECONDS)
        seen.append(context.cancelled)
        return "ended"

    key = planned(stack, list(range(6)))
    run_chunk(stack, key)

    assert sorted(started) == [0, 1]
    assert seen == [True, True]
    assert sub_tasks(stack, key) == ["ended"] * 2 + ["CANCELLED"] * 4
