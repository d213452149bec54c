"""What happens to tasks, each played on any stack and checked there; a test plays it on both and compares the ends."""

from collections.abc import Callable
from typing import Any

import pytest
from serverless_tasks import Backoff, KeyReused, PermanentError, TaskStatus, TaskType
from serverless_tasks.testing import WorkerKilled

from tests.support.stacks import Stack, deliver_twice, fan_out, lose_objects, path, send, single

Scenario = Callable[[Stack], None]
SCENARIOS: dict[str, Scenario] = {}


def scenario(play: Scenario) -> Scenario:
    """Decorator: one of the scenarios."""
    SCENARIOS[play.__name__] = play
    return play


@scenario
def a_task_completes(stack: Stack) -> None:
    TaskType("cat").task(lambda event, context: {"fed": event.input, "ключ": [1.5, None, True]})

    task = single(stack, "fish")

    assert path(task) == "CREATED QUEUED PROCESSING COMPLETED"
    assert task.result == {"fed": "fish", "ключ": [1.5, None, True]}


@scenario
def a_task_is_tried_again(stack: Stack) -> None:
    cat = TaskType("cat", backoff=Backoff(base=2.5, factor=3))

    @cat.task
    def fail_twice(event: Any, context: Any) -> int:
        if context.attempt < 3:
            raise ValueError(f"no {context.attempt}")
        return int(stack.clock.now.timestamp())

    task = single(stack)

    assert path(task) == "CREATED QUEUED PROCESSING ERRORED PROCESSING ERRORED PROCESSING COMPLETED"


@scenario
def a_task_fails_for_good(stack: Stack) -> None:
    cat = TaskType("cat", max_attempts=2)
    cat.task(lambda event, context: 1 / 0)

    assert path(single(stack)) == "CREATED QUEUED PROCESSING ERRORED PROCESSING FAILED"


@scenario
def a_permanent_error_is_not_tried_again(stack: Stack) -> None:
    cat = TaskType("cat", max_attempts=5)

    @cat.task
    def refuse(event: Any, context: Any) -> None:
        raise PermanentError("never")

    assert path(single(stack)) == "CREATED QUEUED PROCESSING FAILED"


@scenario
def a_task_of_an_unknown_type_fails(stack: Stack) -> None:
    task = single(stack)

    assert path(task) == "CREATED QUEUED FAILED"
    assert task.error == {"type": "NoHandler", "message": "no handler for task type 'cat'"}


@scenario
def a_fan_out_of_an_unknown_type_fails(stack: Stack) -> None:
    assert path(fan_out(stack, [1, 2])) == "CREATED STARTED FAILED"


@scenario
def a_killed_worker_is_replaced(stack: Stack) -> None:
    cat = TaskType("cat", timeout=60)

    @cat.task
    def die_once(event: Any, context: Any) -> str:
        if context.attempt == 1:
            raise WorkerKilled
        return "second"

    task = single(stack)

    assert (task.attempt, task.result) == (2, "second")
    assert path(task) == "CREATED QUEUED PROCESSING PROCESSING COMPLETED"


@scenario
def a_task_that_kills_every_worker_fails(stack: Stack) -> None:
    cat = TaskType("cat", timeout=60, max_attempts=2)

    @cat.task
    def die(event: Any, context: Any) -> None:
        raise WorkerKilled

    task = single(stack)

    assert task.error is not None
    assert task.error["type"] == "WorkerLost"


@scenario
def a_task_goes_on_from_its_checkpoint(stack: Stack) -> None:
    cat = TaskType("cat", timeout=4000)

    @cat.task
    def walk(event: Any, context: Any) -> list[int]:
        done = context.state or []
        while len(done) < 6:
            stack.clock.advance(400)
            done = [*done, len(done)]
            context.checkpoint(done, progress=len(done) / 6)
        return done

    task = single(stack)

    assert (task.attempt, task.result, task.progress) == (1, [0, 1, 2, 3, 4, 5], 1)
    assert path(task).count("QUEUED") == 3


@scenario
def a_large_checkpoint_comes_back(stack: Stack) -> None:
    cat = TaskType("cat")

    @cat.task
    def save_and_fail(event: Any, context: Any) -> int:
        if context.state is None:
            context.checkpoint("small")
            context.checkpoint("c" * 5000)
            raise ValueError("after the checkpoint")
        return len(context.state)

    assert single(stack).result == 5000


@scenario
def a_cancelled_task_does_not_run(stack: Stack) -> None:
    TaskType("cat").task(lambda event, context: "ran")
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.relay_one()

    stack.service.cancel_task(key, by="alice")

    assert path(stack.run(key)) == "CREATED QUEUED CANCELLED"


@scenario
def a_running_task_is_cancelled_and_retried(stack: Stack) -> None:
    cat = TaskType("cat")

    @cat.task
    def be_cancelled(event: Any, context: Any) -> str:
        if context.run == 0:
            stack.service.cancel_task(event.task_key)
            return "too late"
        return "second run"

    key = stack.service.create_task("mbc", "cat", 1).key
    assert stack.run(key).status is TaskStatus.CANCELLED
    stack.service.retry_task(key, by="bob")

    task = stack.run(key)

    assert (task.run, task.attempt, task.result) == (1, 1, "second run")
    assert path(task) == "CREATED QUEUED PROCESSING CANCELLED CREATED QUEUED PROCESSING COMPLETED"


@scenario
def a_record_and_so_a_message_come_twice(stack: Stack) -> None:
    cat, ran = TaskType("cat"), []

    @cat.task
    def note(event: Any, context: Any) -> None:
        ran.append(context.attempt)

    key = stack.service.create_task("mbc", "cat", 1).key
    deliver_twice(stack)

    assert path(stack.run(key)) == "CREATED QUEUED PROCESSING COMPLETED"
    assert ran == [1]


@scenario
def a_duplicate_of_a_running_task_waits(stack: Stack) -> None:
    cat, ran = TaskType("cat", timeout=100), []

    @cat.task
    def be_doubled(event: Any, context: Any) -> str:
        ran.append(context.attempt)
        send(stack, event.record["body"])
        stack.clock.advance(7)
        assert stack.work_one()
        return "first"

    assert single(stack).result == "first"
    assert ran == [1]


@scenario
def what_can_never_be_processed_is_set_aside(stack: Stack) -> None:
    for body in ("not JSON", "[1]", '{"v":1,"action":"task-execute","run":0}', '{"v":2,"action":"task-execute"}'):
        send(stack, body)


@scenario
def a_task_loses_its_input(stack: Stack) -> None:
    TaskType("cat").task(lambda event, context: None)
    key = stack.service.create_task("mbc", "cat", "x" * 5000).key
    lose_objects(stack)

    task = stack.run(key)

    assert path(task) == "CREATED QUEUED PROCESSING FAILED"
    assert task.error is not None
    assert task.error["type"] == "PayloadMissing"


@scenario
def a_key_is_sent_twice(stack: Stack) -> None:
    first = stack.service.create_task("mbc", "cat", 1, idempotency_key="k")
    assert stack.service.create_task("mbc", "cat", 1, idempotency_key="k") == first
    with pytest.raises(KeyReused):
        stack.service.create_task("mbc", "cat", 2, idempotency_key="k")
    stack.clock.advance(86_401)
    assert stack.service.create_task("mbc", "cat", 2, idempotency_key="k") != first


def _sizes(length: int) -> Scenario:
    def play(stack: Stack) -> None:
        TaskType("cat").task(lambda event, context: event.input)
        value = "é\u2028" + "x" * (length - 5)
        task = single(stack, value)
        assert stack.service.load_input(task) == value
        assert stack.service.load_result(task) == value

    return play


SIZES = (5, 3_900, 4_100, 300_000, 1_100_000)
SCENARIOS |= {f"a_payload_of_{length}_bytes": _sizes(length) for length in SIZES}
