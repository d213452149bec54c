"""What a policy may take, its task gets: a message that SQS keeps for 14 days, and delivers 1,000 times, is not all."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from serverless_tasks import Backoff, TaskEntity, TaskKey, TaskStatus, TaskType
from serverless_tasks.core.times import from_iso
from serverless_tasks.testing import MemoryStack

from tests.support.tasks import create

SWEEP = 300
"""Seconds between two runs of the sweeper."""


def attempts_of(stack: MemoryStack, cat: TaskType) -> list[float]:
    """Run a task that always fails to its end; returns the seconds between its attempts."""
    begun = []

    @cat.task
    def handle(event, context):
        begun.append(stack.clock())
        raise ValueError("not yet")

    key = create(stack)
    while not stack.task(key).status.terminal:
        if not stack.step():
            go_on(stack, key)
    assert stack.task(key).status is TaskStatus.FAILED
    return [(late - early).total_seconds() for early, late in pairwise(begun)]


def go_on(stack: MemoryStack, key: TaskKey) -> None:
    """To when the next message is visible or the next look is due, in the sweeper's first run after that."""
    look = from_iso(stack.task(key).due_at).timestamp()
    run = datetime.fromtimestamp(math.ceil(look / SWEEP) * SWEEP, UTC)
    now = min([run, *(message["visible"] for message in stack.memory.queue.messages.values())])
    stack.clock.now = max(now, stack.clock())
    stack.sweep()


def test_a_message_that_is_too_old_does_not_delay_the_next_attempt(stack):
    longest = 6 * 3600
    cat = TaskType("cat", max_attempts=62, backoff=Backoff(base=longest, cap=longest))

    waits = attempts_of(stack, cat)

    assert len(waits) == 61
    assert sum(waits) > 14 * 86400
    assert max(waits) <= longest + SWEEP


def test_a_message_that_was_received_too_often_is_replaced_before_sqs_dead_letters_it(stack):
    cat = TaskType("cat", max_attempts=100, backoff=Backoff(base=1, cap=1))
    send = stack.memory.queue.send_body

    def send_worn(body):
        send(body)
        [message] = stack.memory.queue.messages.values()
        message["attributes"]["ApproximateReceiveCount"] = "900"

    stack.memory.queue.send_body = send_worn
    waits = attempts_of(stack, cat)

    assert len(waits) == 99
    assert [wait for wait in waits if wait > 2] == [pytest.approx(900, abs=SWEEP)]
    assert stack.memory.queue.dead_letters == []


def expire(stack: MemoryStack) -> None:
    """DynamoDB deletes what has expired."""
    now = stack.clock().timestamp()
    expired = [key for key, item in stack.memory.table.items.items() if item.get("expiresAt", now) < now]
    for key in expired:
        del stack.memory.table.items[key]


def run_and_expire(stack: MemoryStack, key: TaskKey, seconds: float) -> TaskEntity:
    while not stack.task(key).status.terminal:
        if not stack.step():
            stack.clock.advance(seconds)
        expire(stack)
    return stack.task(key)


@pytest.fixture
def a_day():
    """A stack that keeps its tasks for one day."""
    return MemoryStack(retention_days=1)


def test_the_chunks_of_a_run_outlive_it_and_the_task(a_day):
    cat, calls, mended = TaskType("cat", max_attempts=20, backoff=Backoff(base=21_600, cap=21_600)), Counter(), []

    @cat.sub_task
    def handle(event, context):
        calls[event.input] += 1
        if event.input == "bad" and not mended:
            raise ValueError("not yet")

    key = a_day.service.create_step_function_task("mbc", "cat", ["good", "bad"]).key

    task = run_and_expire(a_day, key, 1800)
    assert (task.status, task.error["type"], calls) == (TaskStatus.FAILED, "SubTasksFailed", {"good": 1, "bad": 20})
    assert all(chunk.expires_at > task.expires_at for chunk in a_day.memory.table.chunks("mbc", task.code))

    mended.append(1)
    a_day.clock.advance(86_400 - 1)
    a_day.service.retry_task(key)
    assert run_and_expire(a_day, key, 1800).status is TaskStatus.COMPLETED
    assert calls == {"good": 1, "bad": 21}


def test_the_chunks_of_a_round_of_many_days_outlive_it():
    stack = MemoryStack(retention_days=1, fan_out_concurrency=1)
    cat = TaskType("cat", chunk_size=1)

    @cat.sub_task
    def handle(event, context):
        stack.clock.advance(890)
        expire(stack)

    key = stack.service.create_step_function_task("mbc", "cat", list(range(300))).key

    assert run_and_expire(stack, key, 1).status is TaskStatus.COMPLETED
    assert stack.clock() - from_iso(stack.task(key).created_at) > timedelta(days=3)


def test_what_an_open_task_reads_from_the_bucket_stays_there():
    stack = MemoryStack(payload_days=2)
    longest = 6 * 3600
    cat, seen = TaskType("cat", max_attempts=20, backoff=Backoff(base=longest, cap=longest)), []

    @cat.task
    def handle(event, context):
        seen.append((len(event.input), len(context.state or "")))
        context.checkpoint("s" * 6000)
        raise ValueError("not yet")

    key = stack.service.create_task("mbc", "cat", "i" * 5000).key
    while not stack.task(key).status.terminal:
        if not stack.step():
            go_on(stack, key)
        stack.memory.payloads.expire(2)

    assert seen == [(5000, 0), *[(5000, 6000)] * 19]
    assert stack.task(key).error["type"] == "ValueError"
    stack.clock.advance(86_400 - 1)
    stack.memory.payloads.expire(2)
    assert stack.service.load_input(stack.task(key)) == "i" * 5000


def test_the_upload_of_an_open_task_stays_there():
    stack = MemoryStack(payload_days=2)
    cat, calls = TaskType("cat", max_attempts=20, backoff=Backoff(base=21_600, cap=21_600)), []

    @cat.sub_task
    def handle(event, context):
        calls.append(event.input)
        raise ValueError("not yet")

    upload = stack.service.create_upload("mbc")
    stack.upload(upload, b"1\n")
    stack.clock.advance(2 * 86_400 - 600)
    key = stack.service.create_step_function_task("mbc", "cat", input_ref=upload.input_ref).key
    swept = stack.clock()
    while not stack.task(key).status.terminal:
        if not stack.step():
            stack.clock.advance(300)
        if stack.clock() - swept >= timedelta(minutes=5):
            swept = stack.clock()
            stack.sweep()
        stack.memory.payloads.expire(2)

    assert calls == [1] * 20


def test_objects_that_cannot_be_renewed_are_tried_again_and_keep_no_task_waiting(monkeypatch):
    stack = MemoryStack(payload_days=2)
    TaskType("cat").task(lambda event, context: "done")
    key = create(stack)
    stack.memory.table.stream.clear()
    stack.clock.advance(86_400)
    with monkeypatch.context() as patch:
        patch.setattr(stack.memory.payloads, "renew", lambda *_: 1 / 0)
        stack.sweep()
    assert (stack.task(key).status, stack.task(key).kept_at) == (TaskStatus.QUEUED, None)

    stack.clock.advance(900)
    monkeypatch.setattr(stack.memory.payloads, "renew", lambda *_: False)
    stack.sweep()
    assert stack.task(key).kept_at is None

    stack.clock.advance(900)
    monkeypatch.undo()
    stack.sweep()
    assert stack.task(key).kept_at == stack.task(key).updated_at
