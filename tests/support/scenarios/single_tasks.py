"""Single tasks: attempts, checkpoints, cancels, duplicates."""

from typing import Any

import pytest
from serverless_tasks import Backoff, KeyReused, PermanentError, TaskEntity, TaskStatus, TaskType

from tests.support.crashes import World
from tests.support.scenarios.catalogue import LARGE, S, answered, create, ended, flow, result, scenario
from tests.support.stacks import Stack, deliver_twice, path, send, single


@flow
def a_task(world: World) -> TaskEntity:
    cat = TaskType("cat", max_attempts=2)

    @cat.task
    def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        return {"fed": event.input, "ключ": [1.5, None, True]}

    key = create(world, "fish")
    task = ended(world, key, S.COMPLETED, [str(key)])

    assert task.result == {"fed": "fish", "ключ": [1.5, None, True]}
    assert sum(world.effects.values()) <= 2
    assert task.attempt <= 2
    return task


@flow
def a_task_with_large_payloads(world: World) -> TaskEntity:
    cat = TaskType("cat", max_attempts=2)

    @cat.task
    def handle(event: Any, context: Any) -> Any:
        for step in ("a", "b", "c"):
            if (context.state or "") < step:
                context.checkpoint(step * LARGE, progress=0.5)
        world.effect(context)
        return [event.input, context.state]

    key = create(world, "i" * LARGE)
    task = ended(world, key, S.COMPLETED, [str(key)])

    assert result(world, task) == ["i" * LARGE, "c" * LARGE]
    assert "checkpointRef" not in task.attributes
    return task


@flow
def a_task_that_is_tried_again(world: World) -> TaskEntity:
    cat, failed = TaskType("cat", max_attempts=3, backoff=Backoff(base=30)), list[int]()

    @cat.task
    def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        if not failed:
            failed.append(context.attempt)
            raise ValueError("first time")
        return "second"

    key = create(world, 1)
    task = ended(world, key, S.COMPLETED, [str(key)])

    assert (task.result, "error" in task.attributes) == ("second", False)
    return task


@flow
def a_task_of_several_invocations(world: World) -> TaskEntity:
    cat = TaskType("cat", max_attempts=2, timeout=20_000)

    @cat.task
    def handle(event: Any, context: Any) -> Any:
        done = context.state or []
        while len(done) < 5:
            world.stack.clock.advance(400)
            world.effects[f"step {len(done)}"] += 1
            done = [*done, len(done)]
            context.checkpoint(done)
        return done

    key = create(world, 1)
    task = ended(world, key, S.COMPLETED, [f"step {n}" for n in range(5)])

    assert task.result == [0, 1, 2, 3, 4]
    assert sum(world.effects.values()) <= 6
    return task


@flow
def a_task_that_fails(world: World) -> TaskEntity:
    cat = TaskType("cat", max_attempts=2)

    @cat.task
    def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        raise PermanentError("never")

    key = create(world, 1)
    task = ended(world, key, S.FAILED, [str(key)])

    assert task.error == {"type": "PermanentError", "message": "never"}
    assert task.attention == "FAILED#mbc"
    return task


@flow
def a_task_of_an_unknown_type(world: World) -> TaskEntity:
    return ended(world, create(world, 1), S.FAILED, [])


@flow
def a_task_that_is_cancelled_and_retried(world: World) -> TaskEntity:
    cat = TaskType("cat", max_attempts=2)

    @cat.task
    def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        return context.run

    key = create(world, 1)
    world.stack.step()
    answered(world, lambda: world.stack.service.cancel_task(key))
    world.end(key)
    answered(world, lambda: world.stack.service.retry_task(key))
    task = ended(world, key, S.COMPLETED, [str(key)])

    assert (task.run, task.result) == (1, 1)
    return task


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
def what_can_never_be_processed_is_dead_lettered(stack: Stack) -> None:
    for body in ("not JSON", "[1]", '{"v":1,"action":"task-execute","run":0}', '{"v":2,"action":"task-execute"}'):
        send(stack, body)


@scenario
def a_key_is_sent_twice(stack: Stack) -> None:
    first = stack.service.create_task("mbc", "cat", 1, idempotency_key="k")
    assert stack.service.create_task("mbc", "cat", 1, idempotency_key="k") == first
    with pytest.raises(KeyReused):
        stack.service.create_task("mbc", "cat", 2, idempotency_key="k")
    stack.clock.advance(86_401)
    assert stack.service.create_task("mbc", "cat", 2, idempotency_key="k") != first
