"""Single tasks: duplicates, late messages, dead workers, and races that have one winner."""

import json

import pytest
from serverless_tasks import TaskStatus, TaskType
from serverless_tasks.testing import WorkerKilled
from serverless_tasks.workers.batches import Redeliver

from tests.support.tasks import create, history, queued


def test_a_duplicate_of_an_ended_task_is_acknowledged(stack):
    runs = []
    TaskType("cat").task(lambda event, context: runs.append(1))
    key = queued(stack)
    [message] = stack.memory.queue.messages.values()
    stack.run(key)
    before = stack.task(key)

    stack.memory.queue.send_body(message["body"])
    stack.work_one()

    assert runs == [1]
    assert stack.task(key) == before
    assert stack.memory.queue.messages == {}


def test_a_duplicate_of_a_running_task_waits_for_the_end_of_the_lease(stack):
    cat = TaskType("cat", timeout=60)
    key = queued(stack)
    [message] = stack.memory.queue.messages.values()

    @cat.task
    def handle(event, context):
        stack.memory.queue.send_body(message["body"])
        stack.work_one()
        return "once"

    stack.work_one()

    assert stack.task(key).result == "once"
    [duplicate] = stack.memory.queue.messages.values()
    # 60 s of the attempt, 5 s to close and 5 s for the clocks, then 30 s.
    assert (duplicate["visible"] - stack.clock.now).total_seconds() == 100


def test_a_message_of_an_earlier_run_is_acknowledged(stack):
    runs = []
    TaskType("cat").task(lambda event, context: runs.append(context.run))
    key = queued(stack)
    stack.service.cancel_task(key)
    stack.service.retry_task(key)

    task = stack.run(key)

    assert (task.run, runs) == (1, [1])


def test_a_killed_worker_leaves_the_task_to_another_at_the_end_of_its_lease(stack):
    cat = TaskType("cat", timeout=60)

    @cat.task
    def handle(event, context):
        if context.attempt == 1:
            raise WorkerKilled
        return context.attempt

    key = queued(stack)
    stack.work_one()
    assert stack.task(key).status is TaskStatus.PROCESSING
    assert stack.task(key).lease_until == "2026-01-01T00:01:10.000Z"

    task = stack.run(key)

    assert history(task) == ["CREATED", "QUEUED", "PROCESSING", "PROCESSING", "COMPLETED"]
    assert task.result == 2
    assert task.history[3]["at"] == "2026-01-01T00:01:40.000Z"  # lease and 30 s


def test_a_task_whose_every_worker_is_killed_ends_failed(stack):
    cat = TaskType("cat", max_attempts=2)

    @cat.task
    def handle(event, context):
        raise WorkerKilled

    task = stack.run(create(stack))

    assert history(task) == ["CREATED", "QUEUED", "PROCESSING", "PROCESSING", "FAILED"]
    assert task.error == {
        "type": "WorkerLost",
        "message": "the worker of attempt 2 died, was killed, or got no answer from AWS",
    }


@pytest.mark.parametrize("late_end", ["return", "raise"])
def test_a_worker_that_lost_its_lease_changes_nothing(stack, late_end):
    cat = TaskType("cat", timeout=60)

    @cat.task
    def handle(event, context):
        if context.attempt == 2:
            return "second"
        stack.clock.advance(101)  # stalled beyond its lease: another worker takes the task and completes it
        stack.work_one()
        if late_end == "raise":
            raise ValueError("late")
        return "first"

    key = queued(stack)
    stack.work_one()

    task = stack.task(key)
    assert task.result == "second"
    assert history(task) == ["CREATED", "QUEUED", "PROCESSING", "PROCESSING", "COMPLETED"]


def test_a_late_queued_hides_nothing(stack):
    TaskType("cat").task(lambda event, context: "fast")
    key = create(stack)
    stack.memory.queue.send(stack.task(key))
    stack.work_one()  # the worker is done before the relay has said QUEUED

    task = stack.run(key)

    assert history(task) == ["CREATED", "PROCESSING", "COMPLETED"]


def test_a_claim_that_loses_to_the_relay_looks_again(stack, monkeypatch):
    TaskType("cat").task(lambda event, context: "done")
    key = create(stack)
    stack.memory.queue.send(stack.task(key))
    get, reads = stack.memory.table.get, []

    def get_then_relay(task_key):
        task = get(task_key)
        if not reads:
            stack.relay_one()  # QUEUED comes between the worker's read and its claim
        reads.append(task)
        return task

    monkeypatch.setattr(stack.memory.table, "get", get_then_relay)
    stack.work_one()

    assert history(stack.task(key)) == ["CREATED", "QUEUED", "PROCESSING", "COMPLETED"]
    assert len(reads) == 3


def test_a_cancelled_task_is_not_run(stack):
    runs = []
    TaskType("cat").task(lambda event, context: runs.append(1))
    key = queued(stack)
    stack.service.cancel_task(key, by="alice")

    task = stack.run(key)
    stack.work_one()

    assert (runs, task.status) == ([], TaskStatus.CANCELLED)
    assert task.history[-1] == {"status": "CANCELLED", "at": "2026-01-01T00:00:00.000Z", "attempt": 0, "by": "alice"}
    assert stack.memory.queue.messages == {}


def test_cancel_while_running_wins_and_the_handler_can_see_it(stack):
    cat = TaskType("cat")
    seen = []

    @cat.task
    def handle(event, context):
        seen.append(context.cancelled)
        stack.service.cancel_task(event.task_key)
        seen.append(context.cancelled)  # looked a moment ago
        stack.clock.advance(5)
        seen.append(context.cancelled)
        return "too late"

    task = stack.run(create(stack))

    assert seen == [False, False, True]
    assert (task.status, task.result) == (TaskStatus.CANCELLED, None)


def test_a_claim_that_always_loses_returns_the_message(stack, monkeypatch):
    from serverless_tasks import LostRace

    TaskType("cat").task(lambda event, context: None)
    key = queued(stack)
    [message] = stack.memory.queue.messages.values()

    def lose(update):
        raise LostRace("always")

    monkeypatch.setattr(stack.memory.table, "update", lose)
    with pytest.raises(Redeliver):
        stack.queue_worker.handle(message, lambda: 900.0)
    assert json.loads(message["body"])["pk"] == key.pk


def test_a_message_that_cannot_be_hidden_costs_no_attempt(stack, monkeypatch):
    runs = []
    TaskType("cat", max_attempts=1).task(lambda event, context: runs.append(context.attempt))
    key = queued(stack)

    def refuse(record, seconds):
        raise ConnectionError("throttled")

    monkeypatch.setattr(stack.memory.queue, "hide", refuse)
    stack.work_one()

    assert (stack.task(key).status, runs) == (TaskStatus.COMPLETED, [1])


def test_a_message_comes_back_soon_after_an_error_of_aws(stack, monkeypatch):
    TaskType("cat").task(lambda event, context: "done")
    key = queued(stack)
    get = stack.memory.table.get

    def throttle(_key):
        raise ConnectionError("throttled")

    monkeypatch.setattr(stack.memory.table, "get", throttle)
    message = stack.memory.queue.receive()
    with pytest.raises(ConnectionError):
        stack.queue_worker.handle(message, lambda: 900.0)
    monkeypatch.setattr(stack.memory.table, "get", get)

    assert (message["visible"] - stack.clock.now).total_seconds() == 30
    assert stack.run(key).attempt == 1
