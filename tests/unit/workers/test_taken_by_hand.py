"""Manual updates: they take a task from its worker for good, whatever that one, or the next, does afterwards."""

import pytest
from serverless_tasks import TaskStatus, TaskType
from serverless_tasks.testing import WorkerKilled

from tests.support.tasks import create, queued


def send(stack, key):
    """The message comes again, or the sweeper sends another."""
    stack.memory.queue.send(stack.task(key))


@pytest.mark.parametrize("status", [TaskStatus.QUEUED, TaskStatus.ERRORED])
def test_the_next_claim_is_another_attempt_and_the_old_worker_changes_nothing(stack, status):
    # GIVEN a worker from which the task is taken, while another one takes it
    cat, seen = TaskType("cat", max_attempts=2), []

    @cat.task
    def handle(event, context):
        seen.append((context.attempt, context.remaining_time > 800))
        if len(seen) == 1:
            stack.clock.advance(200)
            stack.service.update_status(key, status)
            send(stack, key)
            stack.work_one()
            context.checkpoint("old", progress=0.9)
            raise AssertionError("it goes on without its task")
        context.checkpoint("new", progress=0.5)
        seen.append(stack.task(key).attributes["checkpoint"])
        raise WorkerKilled

    key = queued(stack)

    # WHEN the old worker goes on
    stack.work_one()

    # THEN the next attempt was another one, with all of its time, and what it wrote stands
    assert seen == [(1, True), (2, True), '"new"']
    task = stack.task(key)
    assert (task.attempt, task.attributes) == (2, {"checkpoint": '"new"', "progress": 0.5})


def test_the_old_worker_does_not_end_it_before_another_one_takes_it(stack):
    cat, attempts = TaskType("cat", max_attempts=2), []

    @cat.task
    def handle(event, context):
        attempts.append(context.attempt)
        if context.attempt == 1:
            stack.service.update_status(key, TaskStatus.QUEUED)
            return "old"
        return "new"

    key = queued(stack)
    stack.work_one()
    assert stack.task(key).status is TaskStatus.QUEUED
    send(stack, key)

    assert stack.run(key).result == "new"
    assert attempts == [1, 2]


@pytest.mark.parametrize("status", [TaskStatus.QUEUED, TaskStatus.ERRORED])
def test_one_that_is_taken_from_its_last_attempt_has_no_other(stack, status):
    cat, attempts = TaskType("cat", max_attempts=1), []

    @cat.task
    def handle(event, context):
        attempts.append(context.attempt)
        stack.service.update_status(key, status)
        return "old"

    key = queued(stack)
    stack.work_one()
    send(stack, key)
    task = stack.run(key)

    assert (task.status, task.error["type"], attempts) == (TaskStatus.FAILED, "AttemptsUsedUp", [1])


@pytest.mark.parametrize("status", [TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.COMPLETED])
def test_the_old_worker_changes_nothing_after_an_end(stack, status):
    cat = TaskType("cat")

    @cat.task
    def handle(event, context):
        ended.append(stack.service.update_status(key, status))
        context.checkpoint("old", progress=0.9)
        return "old"

    ended = []
    key = queued(stack)
    stack.work_one()

    assert [stack.task(key)] == ended


def test_a_task_that_is_taken_by_hand_twice_counts_each(stack):
    key = create(stack)
    for attempt in (1, 2):
        assert stack.service.update_status(key, TaskStatus.PROCESSING).attempt == attempt
        stack.service.update_status(key, TaskStatus.QUEUED)


@pytest.mark.parametrize("status", [TaskStatus.QUEUED, TaskStatus.ERRORED])
def test_one_of_which_there_is_no_message_is_sent_by_the_sweeper(stack, status):
    TaskType("cat").task(lambda event, context: "done")
    key = create(stack)
    if status is TaskStatus.ERRORED:
        stack.service.update_status(key, TaskStatus.PROCESSING)
    stack.service.update_status(key, status)
    stack.memory.table.stream.clear()

    for _ in range(5):
        stack.clock.advance(300)
        stack.sweep()

    assert stack.run(key).result == "done"
