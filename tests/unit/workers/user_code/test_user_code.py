"""What user code raises is its attempt's; what AWS says around it is not."""

import asyncio
import re
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from serverless_tasks import Backoff, TaskStatus, TaskType
from serverless_tasks.testing import MemoryStack

ODD = [
    asyncio.CancelledError(),
    KeyboardInterrupt(),
    GeneratorExit(),
    SystemExit(3),
    type("Own", (BaseException,), {})(),
]


def refuse(times, call):
    """The same call, refused so often before it goes through."""
    left = [times]

    def refused(*arguments):
        left[0] -= 1
        if left[0] >= 0:
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "503"}}, "GetObject")
        return call(*arguments)

    return refused


def run(stack: MemoryStack, value: object = 1):
    """A task run to its end, with a worker that survives errors of AWS as Lambda does: its message comes back."""
    key = stack.service.create_task("mbc", "cat", value).key
    for _ in range(10_000):
        try:
            if not stack.step():
                stack.clock.advance(1)
        except ClientError:
            pass
        if stack.task(key).status.terminal:
            return stack.task(key)
    raise AssertionError("it never ends")


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
def test_whatever_a_handler_raises_ends_its_attempt_at_once(stack, error):
    cat = TaskType("cat", max_attempts=2, backoff=Backoff(base=1, cap=1))

    @cat.task
    def handle(event, context):
        raise error

    began = stack.clock()
    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert [entry["status"] for entry in task.history][2:] == ["PROCESSING", "ERRORED", "PROCESSING", "FAILED"]
    assert task.error["type"] == type(error).__name__
    assert stack.clock() - began == timedelta(seconds=1)


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
def test_whatever_a_fan_in_raises_is_tried_again_and_ends_the_task(stack, error):
    cat = TaskType("cat", max_attempts=2, backoff=Backoff(base=1, cap=1))
    cat.sub_task(lambda event, context: None)
    tries = []

    @cat.finished
    def finished(event, outcomes):
        tries.append(1)
        raise error

    task = stack.run(stack.service.create_step_function_task("mbc", "cat", [1]).key)

    assert (task.status, task.error["type"], len(tries)) == (TaskStatus.FAILED, type(error).__name__, 2)


def test_a_result_that_the_bucket_does_not_take_is_no_failure_of_the_handler(stack, monkeypatch):
    runs = []
    cat = TaskType("cat", max_attempts=2, timeout=60)
    cat.task(lambda event, context: runs.append(context.attempt) or "r" * 5000)
    payloads = stack.memory.payloads
    monkeypatch.setattr(payloads, "put", refuse(1, payloads.put))

    task = run(stack)

    # It was run again, for its result was lost, when the lease was over and without a word of failure.
    assert [entry["status"] for entry in task.history][2:] == ["PROCESSING", "PROCESSING", "COMPLETED"]
    assert (runs, task.error) == ([1, 2], None)


def test_an_input_that_the_bucket_does_not_give_is_no_failure_of_the_handler(stack, monkeypatch):
    runs = []
    cat = TaskType("cat", max_attempts=3, timeout=60)
    cat.task(lambda event, context: runs.append(context.attempt))
    payloads = stack.memory.payloads
    monkeypatch.setattr(payloads, "load", refuse(2, payloads.load))

    task = run(stack, "i" * 5000)

    assert (task.status, runs) == (TaskStatus.COMPLETED, [1])
    assert "ERRORED" not in [entry["status"] for entry in task.history]


def test_a_bucket_that_never_takes_the_result_uses_the_attempts_up(stack, monkeypatch):
    cat = TaskType("cat", max_attempts=2, timeout=60)
    cat.task(lambda event, context: "r" * 5000)
    monkeypatch.setattr(stack.memory.payloads, "put", refuse(10_000, None))

    task = run(stack)

    assert (task.status, task.attempt, task.error["type"]) == (TaskStatus.FAILED, 2, "WorkerLost")
    assert re.search("attempt 2", task.error["message"])
