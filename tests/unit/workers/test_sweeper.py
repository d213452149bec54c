"""The sweeper: whatever gets lost on the way, every task ends, and healthy ones are left alone."""

import collections

import pytest
from serverless_tasks import Backoff, TaskKey, TaskStatus, TaskType
from serverless_tasks.core.times import from_iso
from serverless_tasks.testing import MemoryStack, WorkerKilled

from tests.support.tasks import create, relay_all


def fan_out(stack: MemoryStack) -> TaskKey:
    return stack.service.create_step_function_task("mbc", "cat", [1, 2]).key


def sweep_until_done(stack: MemoryStack, key: TaskKey, hours: float = 48) -> None:
    """Let everything happen, with a sweep each five minutes."""
    for _ in range(int(hours * 12)):
        while stack.step():
            pass
        if stack.task(key).status.terminal:
            return
        stack.clock.advance(300)
        stack.sweep()
    raise AssertionError(stack.task(key).status)


@pytest.fixture
def cat() -> TaskType:
    cat = TaskType("cat", timeout=60, backoff=Backoff(base=100, cap=100))
    cat.task(lambda event, context: "done")
    cat.sub_task(lambda event, context: "done")
    return cat


@pytest.mark.parametrize("new", [create, fan_out])
def test_a_record_that_the_stream_lost_is_made_up_for(stack, cat, new):
    key = new(stack)
    stack.memory.table.stream.clear()

    sweep_until_done(stack, key)

    assert stack.task(key).status is TaskStatus.COMPLETED
    assert stack.task(key).history[1]["status"] in ("QUEUED", "STARTED")
    assert stack.task(key).history[1]["at"] == "2026-01-01T00:05:00.000Z"


def test_a_message_that_the_queue_lost_is_sent_again_after_a_quarter_of_an_hour(stack, cat):
    key = create(stack)
    relay_all(stack)
    stack.memory.queue.messages.clear()

    sweep_until_done(stack, key)

    task = stack.task(key)
    assert task.status is TaskStatus.COMPLETED
    assert (from_iso(task.history[2]["at"]) - from_iso(task.created_at)).total_seconds() == 900


def test_a_task_that_waits_for_a_retry_whose_message_is_lost(stack, cat):
    def fail_once(event, context):
        if context.attempt == 1:
            stack.memory.queue.messages.clear()
            raise ValueError("boom")
        return "second"

    cat.task_handler = fail_once
    key = create(stack)

    sweep_until_done(stack, key)

    assert stack.task(key).result == "second"


def test_a_task_whose_worker_and_message_are_lost(stack, cat):
    def die_once(event, context):
        if context.attempt == 1:
            stack.memory.queue.messages.clear()
            raise WorkerKilled
        return "second"

    cat.task_handler = die_once
    key = create(stack)

    sweep_until_done(stack, key)

    assert stack.task(key).result == "second"


@pytest.mark.parametrize("state", ["Plan", "RunFewChunks", "Finish"])
def test_a_task_whose_execution_was_stopped_ends_failed_and_can_be_retried(stack, cat, state):
    key = fan_out(stack)
    relay_all(stack)
    [execution] = stack._executions()
    while execution.next != state:
        execution.step()
    stack.memory.executions.stopped.add(execution.name)

    sweep_until_done(stack, key)
    task = stack.task(key)
    assert task.error == {"type": "WorkerLost", "message": "its execution has ended without it; retry it"}

    stack.service.retry_task(key)
    assert stack.run(key).status is TaskStatus.COMPLETED


def test_an_execution_that_never_was_is_started(stack, cat):
    key = fan_out(stack)
    relay_all(stack)
    stack.memory.executions.inputs.clear()

    sweep_until_done(stack, key)

    assert stack.task(key).status is TaskStatus.COMPLETED


def test_a_healthy_short_task_is_never_looked_at(stack, cat):
    for new in (create, fan_out):
        stack.run(new(stack))
    stack.clock.advance(86400)

    assert stack.sweep() == 0


def test_a_healthy_long_task_is_left_alone(stack, cat):
    cat.timeout, cat.heartbeat = 3600, False
    looked = []

    def work(event, context):
        for _ in range(4):
            stack.clock.advance(200)
            looked.append(stack.sweep())
        return "done"

    cat.task_handler = work
    key = create(stack)
    task = stack.run(key)

    assert task.attempt == 1
    assert looked == [0, 1, 0, 0]  # once, and not again before its lease has ended
    assert stack.memory.queue.messages == {}


def test_a_task_whose_worker_gives_signs_of_life_is_left_alone(stack, cat):
    cat.timeout = 3600

    def work(event, context):
        for step in range(6):
            stack.clock.advance(110)
            context.checkpoint(step)
            stack.sweep()

    cat.task_handler = work
    task = stack.run(create(stack))

    assert (task.attempt, stack.memory.queue.messages) == (1, {})


def test_a_running_execution_is_left_alone(stack, cat):
    key = fan_out(stack)
    relay_all(stack)
    before = stack.task(key)
    stack.clock.advance(300)

    assert stack.sweep() == 1

    after = stack.task(key)
    assert (after.version, after.status, after.due_at) == (before.version, before.status, "2026-01-01T00:20:00.000Z")
    assert len(stack.memory.executions.inputs) == 1


def test_a_backlog_is_not_multiplied(stack, cat):
    key = create(stack)
    relay_all(stack)

    for _ in range(24 * 12):  # a day without workers
        stack.clock.advance(300)
        stack.sweep()

    assert len(stack.memory.queue.messages) <= 8  # 15 min, then doubling
    assert stack.run(key).attempt == 1


def test_two_sweepers_at_once_act_once(stack, cat, before_next_write):
    create(stack)
    stack.memory.table.stream.clear()
    stack.clock.advance(300)
    looked_at = []
    before_next_write(lambda: looked_at.append(stack.sweep()))
    stack.sweep()

    assert looked_at == [1]
    assert len(stack.memory.queue.messages) == 1


def test_one_task_that_cannot_be_looked_after_keeps_no_other_waiting(stack, cat, monkeypatch):
    keys = [create(stack) for _ in range(20)]
    stack.memory.table.stream.clear()
    stack.clock.advance(300)
    send = stack.memory.queue.send

    def refuse_the_first(task):
        if task.key == keys[0]:
            raise RuntimeError("no")
        send(task)

    monkeypatch.setattr(stack.memory.queue, "send", refuse_the_first)

    assert stack.sweep() == 20
    assert len(stack.memory.queue.messages) == 19


def test_work_per_run_is_bounded_and_the_oldest_come_first(stack, cat, monkeypatch):
    from serverless_tasks.workers import sweeper

    monkeypatch.setattr(sweeper, "TASKS_PER_SHARD", 2)
    for _ in range(60):
        create(stack)
        stack.clock.advance(1)
    stack.memory.table.stream.clear()
    stack.clock.advance(300)

    shards = collections.Counter(item["attention"] for item in stack.memory.table.items.values())
    bounded = sum(min(2, count) for count in shards.values())
    assert stack.sweep() == bounded
    left = [i["createdAt"] for i in stack.memory.table.items.values() if i["status"] == "CREATED"]
    looked = [i["createdAt"] for i in stack.memory.table.items.values() if i["status"] == "QUEUED"]
    assert min(looked) == "2026-01-01T00:00:00.000Z"
    assert len(left) == 60 - bounded


def test_the_sweeper_stops_when_its_time_is_nearly_up(stack, cat):
    for _ in range(5):
        create(stack)
    stack.memory.table.stream.clear()
    stack.clock.advance(300)

    assert stack.sweeper.handle(lambda: 5.0) == 0
    assert stack.sweep() == 5


def test_a_lagging_index_leads_to_nothing(stack, cat, monkeypatch):
    key = create(stack)
    stack.run(key)
    before = stack.task(key)
    monkeypatch.setattr(stack.memory.table, "due", lambda *_: [key, TaskKey("TASK#mbc", "cat#gone")])

    stack.sweep()

    assert stack.task(key) == before
    assert stack.memory.queue.messages == {}


def test_what_is_no_task_of_ours_does_not_stand_first_for_ever(stack, cat, monkeypatch):
    from serverless_tasks.workers import sweeper

    monkeypatch.setattr(sweeper, "TASKS_PER_SHARD", 1)
    key = create(stack)
    stack.memory.table.stream.clear()
    shard = stack.task(key).attention
    foreign = {"pk": "FOREIGN", "sk": "1", "kind": "TASK", "change": "data", "attention": shard}
    stack.memory.table.items["FOREIGN", "1"] = {**foreign, "dueAt": "2025-01-01T00:00:00.000Z"}
    stack.clock.advance(300)

    stack.sweep()
    stack.sweep()

    assert stack.task(key).status is TaskStatus.QUEUED
