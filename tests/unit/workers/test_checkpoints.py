"""Checkpoints: where a handler is, kept over attempts and invocations."""

import pytest
from serverless_tasks import InvalidInput, TaskStatus, TaskType
from serverless_tasks.testing import MemoryStack, WorkerKilled

from tests.support.tasks import relay_all


def test_the_next_attempt_finds_the_state(stack):
    cat = TaskType("cat")
    states = []

    @cat.task
    def handle(event, context):
        states.append(context.state)
        context.checkpoint({"row": context.attempt}, progress=0.25 * context.attempt)
        states.append(context.state)
        if context.attempt == 1:
            raise WorkerKilled
        if context.attempt == 2:
            raise ValueError("boom")
        return "done"

    key = stack.service.create_task("mbc", "cat", 1).key
    task = stack.run(key)

    assert states == [None, {"row": 1}, {"row": 1}, {"row": 2}, {"row": 2}, {"row": 3}]
    assert task.result == "done"
    assert set(task.attributes) == {"result", "progress"}


def test_a_checkpoint_is_no_transition(stack):
    cat = TaskType("cat")
    versions = []

    @cat.task
    def handle(event, context):
        context.checkpoint([1], progress=0.5)
        seen = stack.task(event.task_key)
        versions.append((seen.version, len(seen.history), seen.progress, seen.change, len(stack.memory.table.stream)))

    key = stack.service.create_task("mbc", "cat", 1).key
    relay_all(stack)
    stack.work_one()

    assert versions == [(2, 3, 0.5, "data", 0)]  # no record for the relay
    assert stack.task(key).status is TaskStatus.COMPLETED


def test_a_large_state_goes_to_the_bucket_and_comes_back(stack):
    cat = TaskType("cat")
    states = []

    @cat.task
    def handle(event, context):
        states.append(context.state)
        if context.attempt == 1:
            context.checkpoint("s" * 5000)
            raise ValueError("boom")

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert states == [None, "s" * 5000]
    assert "checkpointRef" not in task.attributes


def test_near_the_end_of_its_invocation_the_attempt_goes_on_in_another_one(stack):
    cat = TaskType("cat", timeout=3600)
    invocations = []

    @cat.task
    def handle(event, context):
        start = context.state or 0
        invocations.append((start, context.attempt))
        for step in range(start, 8):
            stack.clock.advance(200)
            context.checkpoint(step + 1, progress=(step + 1) / 8)
        return "eight steps"

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert invocations == [(0, 1), (5, 1)]
    assert task.result == "eight steps"
    assert task.attempt == 1
    assert [(h["status"], h["attempt"]) for h in task.history[2:5]] == [
        ("PROCESSING", 1),
        ("QUEUED", 1),
        ("PROCESSING", 1),
    ]


def test_the_timeout_covers_all_invocations_of_an_attempt(stack):
    cat = TaskType("cat", timeout=1500, max_attempts=1)
    remaining = []

    @cat.task
    def handle(event, context):
        remaining.append(context.remaining_time)
        stack.clock.advance(850)
        context.checkpoint(1)

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert remaining == [895, 650]  # of the invocation but 5 s to close, then of the attempt
    assert task.error == {"type": "AttemptTimeout", "message": "the attempt ran longer than 1500 s"}


def test_a_checkpoint_after_cancel_stops_the_handler(stack):
    cat = TaskType("cat")
    reached = []

    @cat.task
    def handle(event, context):
        stack.service.cancel_task(event.task_key)
        try:
            context.checkpoint(1)
        except Exception:  # not even a handler that swallows everything goes on
            reached.append("swallowed")
        reached.append("after")

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert reached == []
    assert task.status is TaskStatus.CANCELLED


@pytest.mark.parametrize(
    ("state", "progress", "field"),
    [
        ({1, 2}, None, "state"),
        (float("inf"), None, "state"),
        ("s" * 1_048_575, None, "state: has 1048577 bytes, 1048576 are allowed"),
        (1, float("nan"), "progress"),
    ],
)
def test_a_bad_checkpoint_is_refused_and_the_task_unharmed(stack, state, progress, field):
    cat = TaskType("cat")

    @cat.task
    def handle(event, context):
        with pytest.raises(InvalidInput, match=field):
            context.checkpoint(state, progress)
        with pytest.raises(ValueError, match=field):
            context.checkpoint(state, progress)
        return context.state

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)
    assert (task.status, task.result) == (TaskStatus.COMPLETED, None)


def test_sub_tasks_have_no_checkpoint():
    stack = MemoryStack()
    cat = TaskType("cat")

    @cat.sub_task
    def handle(event, context):
        with pytest.raises(InvalidInput, match="sub-tasks have none"):
            context.checkpoint(1)

    assert stack.run(stack.service.create_step_function_task("mbc", "cat", [1]).key).status is TaskStatus.COMPLETED


def test_progress_does_not_fall_where_an_attempt_begins_anew(stack):
    cat = TaskType("cat")
    shown = []

    @cat.task
    def handle(event, context):
        for step in (0.25, 0.5, 0.75):
            context.checkpoint(None, progress=step)
            shown.append(stack.task(event.task_key).progress)
            if context.attempt == 1 and step == 0.5:
                raise ValueError("boom")

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert shown == [0.25, 0.5, 0.5, 0.5, 0.75]
    assert task.progress == 1


def test_a_task_that_goes_on_is_on_its_way_and_not_dispatched_again(stack):
    cat = TaskType("cat", timeout=86_400)

    @cat.task
    def handle(event, context):
        for step in range(context.state or 0, 8):
            stack.clock.advance(200)
            context.checkpoint(step + 1)

    key = stack.service.create_task("mbc", "cat", 1).key
    while stack.task(key).attempt == 0 or stack.task(key).status is not TaskStatus.QUEUED:
        assert stack.step()
    stack.clock.advance(60)
    stack.sweep()

    assert len(stack.memory.queue.messages) == 1
