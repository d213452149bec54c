"""``async def`` handlers of single tasks, of sub-tasks one after the other, of own events and of the fan-in."""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time

import pytest
from serverless_tasks import PermanentError, StepFunctionTaskEvent, TaskQueueEvent, TaskStatus, TaskType, event_handler
from serverless_tasks.workers.user_code import coroutines, deadlines, runner

pytestmark = pytest.mark.usefixtures("event_loops")


def test_a_single_task(stack):
    cat = TaskType("cat")

    @cat.task
    async def handle(event, context):
        await asyncio.sleep(0)
        if context.attempt == 1:
            raise ValueError("first time")
        return event.input * 2

    task = stack.run(stack.service.create_task("mbc", "cat", 4).key)

    assert (task.status, task.attempt, task.result) == (TaskStatus.COMPLETED, 2, 8)


def test_sub_tasks_and_their_fan_in(stack):
    cat = TaskType("cat", chunk_size=2, max_attempts=1, tolerated_failures=1)

    @cat.sub_task
    async def handle(event, context):
        await asyncio.sleep(0)
        if event.index == 1:
            raise PermanentError("not one")
        return event.input * 2

    @cat.finished
    async def fan_in(event, outcomes):
        found = []
        for outcome in outcomes:
            await asyncio.sleep(0)
            found.append(outcome.result)
        return found

    task = stack.run(stack.service.create_step_function_task("mbc", "cat", [1, 2, 3]).key)

    assert (task.status, task.result) == (TaskStatus.COMPLETED, [2, None, 6])


def test_a_fan_in_that_fails_is_tried_again(stack):
    cat = TaskType("cat", max_attempts=2)
    cat.sub_task(lambda event, context: None)
    tries = []

    @cat.finished
    async def fan_in(event, outcomes):
        tries.append(len(list(outcomes)))
        if len(tries) == 1:
            raise ValueError("first time")

    task = stack.run(stack.service.create_step_function_task("mbc", "cat", [1, 2, 3]).key)

    assert (task.status, tries) == (TaskStatus.COMPLETED, [3, 3])


def test_own_events(stack):
    @event_handler(TaskQueueEvent)
    async def one(event, context):
        return ["one", event.input]

    @event_handler(StepFunctionTaskEvent)
    async def each(event, context):
        return ["each", event.input]

    single = stack.run(stack.service.create_task("mbc", "cat", 1).key)
    many = stack.run(stack.service.create_step_function_task("mbc", "cat", [2]).key)

    assert single.result == ["one", 1]
    assert stack.service.list_sub_tasks(many).items[0].attributes == {"result": ["each", 2]}


@pytest.mark.parametrize("where", ["handler", "task group"])
def test_a_task_goes_on_in_another_invocation(stack, where):
    cat = TaskType("cat", timeout=3600)
    invocations, cleaned = [], []

    @cat.task
    async def handle(event, context):
        invocations.append((context.state, context.attempt))
        try:
            if where == "handler":
                await steps(context)
            else:
                async with asyncio.TaskGroup() as group:
                    group.create_task(steps(context))
        finally:
            cleaned.append(context.state)
        return "eight steps"

    async def steps(context):
        for step in range(context.state or 0, 8):
            await asyncio.sleep(0)
            stack.clock.advance(200)
            context.checkpoint(step + 1)

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert invocations == [(None, 1), (5, 1)]
    assert len(cleaned) == 2
    assert (task.result, task.attempt) == ("eight steps", 1)


def test_a_checkpoint_after_cancel_stops_the_handler(stack):
    cat = TaskType("cat")
    reached = []

    @cat.task
    async def handle(event, context):
        stack.service.cancel_task(event.task_key)
        await asyncio.sleep(0)
        context.checkpoint(1)
        reached.append("after")

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert (task.status, reached) == (TaskStatus.CANCELLED, [])


@pytest.mark.parametrize("waits_by", ["awaiting", "blocking"])
def test_a_coroutine_ends_at_its_timeout(stack, waits_by):
    cat = TaskType("cat", timeout=1, max_attempts=1)
    cleaned = []

    @cat.task
    async def handle(event, context):
        try:
            time.sleep(60) if waits_by == "blocking" else await asyncio.sleep(60)
        finally:
            cleaned.append(1)

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    place = r"tests/unit/workers/user_code/test_async_handlers\.py:\d+, in handle"
    assert re.fullmatch(rf"the attempt ran longer than 1 s; it was at {place}", task.error["message"])
    assert cleaned == [1]


def test_a_deadline_that_was_swallowed_is_reached_again(stack, monkeypatch):
    monkeypatch.setattr(deadlines, "AGAIN_SECONDS", 0.05)
    cat = TaskType("cat", timeout=1, max_attempts=1)
    swallowed = []

    @cat.task
    async def handle(event, context):
        aside = asyncio.create_task(block())
        await asyncio.sleep(60)
        await aside

    async def block():
        try:
            time.sleep(60)
        except runner.DeadlineReached:
            swallowed.append(1)

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert swallowed == [1]
    assert task.error["type"] == "AttemptTimeout"


def test_a_way_out_that_does_not_end_is_cut_off(stack, monkeypatch):
    monkeypatch.setattr(deadlines, "AGAIN_SECONDS", 0.05)
    cat = TaskType("cat", timeout=1, max_attempts=1)

    @cat.task
    def handle(event, context):
        try:
            time.sleep(60)
        finally:
            time.sleep(60)

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert task.error["type"] == "AttemptTimeout"


@pytest.mark.parametrize("kind", ["task", "thread"])
def test_what_does_not_end_holds_nothing_but_itself(stack, monkeypatch, lines, kind):
    monkeypatch.setattr(coroutines, "GRACE_SECONDS", 0.01)
    cat, release, ended = TaskType("cat"), threading.Event(), []

    async def never_ends():
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                ended.append("cancelled")

    @cat.task
    async def handle(event, context):
        if kind == "task":
            handle.kept = asyncio.create_task(never_ends())
        else:
            handle.kept = asyncio.get_running_loop().run_in_executor(None, release.wait, 20)
        await asyncio.sleep(0)
        return "done"

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    # THEN its result is there, and the thread still runs
    assert (task.status, task.result, release.is_set()) == (TaskStatus.COMPLETED, "done", False)
    release.set()
    deaf = [line["message"] for line in lines() if "left behind" in line["message"]]
    assert (len(deaf), ended) == ((1, ["cancelled"]) if kind == "task" else (0, []))


DEAF = """
import asyncio, gc
from serverless_tasks.workers.user_code import coroutines

async def deaf():
    while True:
        try:
            await asyncio.sleep(30)
        except BaseException:
            pass

async def handler():
    asyncio.get_running_loop().create_task(deaf())
    await asyncio.sleep(0)
    return "done"

coroutines.GRACE_SECONDS = 0.01
print(coroutines.run_coroutine(handler()), flush=True)
gc.collect()
print("collected", flush=True)
import os
os._exit(0)  # the interpreter's own end collects all that is left
"""


def test_a_coroutine_that_nothing_ends_is_not_collected_which_would_never_end():
    command = [sys.executable, "-c", DEAF]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert done.stdout.splitlines()[-1] == "collected", done.stderr
