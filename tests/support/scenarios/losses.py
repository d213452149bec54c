"""Records, messages, workers and executions that get lost."""

from typing import Any

from serverless_tasks import Backoff, TaskEntity, TaskType
from serverless_tasks.testing import WorkerKilled

from tests.support.crashes import World
from tests.support.scenarios.catalogue import (
    S,
    a_type_that_fans_out,
    create,
    create_list,
    ended,
    scenario,
    sub_keys,
    swept,
)
from tests.support.stacks import (
    Stack,
    fan_out,
    lose_messages,
    lose_record,
    path,
    published,
    single,
    stop_execution,
    sweep_until_ended,
)


@swept
def a_task_whose_record_is_lost(world: World) -> TaskEntity:
    a_type_that_fans_out(world).task(lambda event, context: "found")
    key = create(world, 1)
    lose_record(world.stack)

    return ended(world, key, S.COMPLETED, [])


@swept
def a_task_whose_message_is_lost(world: World) -> TaskEntity:
    a_type_that_fans_out(world).task(lambda event, context: "found")
    key = create(world, 1)
    while world.stack.task(key).status is S.CREATED:
        world.stack.relay_one()
    lose_messages(world.stack)

    return ended(world, key, S.COMPLETED, [])


@swept
def a_fan_out_whose_record_is_lost(world: World) -> TaskEntity:
    a_type_that_fans_out(world)
    key = create_list(world, ["a"])
    lose_record(world.stack)

    return ended(world, key, S.COMPLETED, sub_keys(key, 0))


@swept
def a_fan_out_whose_execution_is_stopped(world: World) -> TaskEntity:
    a_type_that_fans_out(world)
    key = create_list(world, ["a"])
    while world.stack.task(key).status is S.CREATED:
        world.stack.relay_one()
    stop_execution(world.stack, world.stack.task(key))

    task = ended(world, key, S.FAILED, [])

    assert task.error == {"type": "WorkerLost", "message": "its execution has ended without it; retry it"}
    return task


@scenario
def worker_and_message_are_lost(stack: Stack) -> None:
    cat = TaskType("cat", timeout=60)

    @cat.task
    def die_once(event: Any, context: Any) -> int:
        if context.attempt == 1:
            lose_messages(stack)
            raise WorkerKilled
        return int(context.attempt)

    key = stack.service.create_task("mbc", "cat", 1).key

    assert sweep_until_ended(stack, key).result == 2


@scenario
def the_message_of_a_retry_is_lost(stack: Stack) -> None:
    cat = TaskType("cat", backoff=Backoff(base=10))

    @cat.task
    def fail_once(event: Any, context: Any) -> int:
        if context.attempt == 1:
            lose_messages(stack)
            raise ValueError("no")
        return int(context.attempt)

    key = stack.service.create_task("mbc", "cat", 1).key

    assert sweep_until_ended(stack, key).result == 2


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
def a_killed_chunk_worker_is_replaced(stack: Stack) -> None:
    cat, ran = TaskType("cat", chunk_size=3, max_attempts=2), []

    @cat.sub_task
    def die_at_one(event: Any, context: Any) -> int:
        ran.append(event.index)
        if event.index == 1:
            raise WorkerKilled
        return int(event.index)

    task = fan_out(stack, [0, 1, 2, 3])

    shown = [str(s.status) for s in stack.service.list_sub_tasks(task.key).items]
    assert shown == ["COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    assert sorted(ran) == [0, 0, 1, 1, 1, 2, 3]


@scenario
def a_killed_fan_in_is_repeated(stack: Stack) -> None:
    cat, ran = TaskType("cat"), []
    cat.sub_task(lambda event, context: 1)

    @cat.finished
    def die_once(event: Any, outcomes: Any) -> int:
        ran.append(1)
        if len(ran) == 1:
            raise WorkerKilled
        return len(list(outcomes))

    assert fan_out(stack, [1, 2]).result == 2
    assert len(ran) == 2


@scenario
def a_fan_in_that_kills_every_worker_fails(stack: Stack) -> None:
    cat, ran = TaskType("cat"), []
    cat.sub_task(lambda event, context: 1)

    @cat.finished
    def die(event: Any, outcomes: Any) -> None:
        ran.append(1)
        raise WorkerKilled

    assert path(fan_out(stack, [1, 2])) == "CREATED STARTED PROCESSING FINISHED FAILED"
    assert len(ran) == 4


@scenario
def the_record_of_an_end_is_given_up(stack: Stack) -> None:
    key = stack.service.create_task("mbc", "cat", 1).key  # of no type that is known here
    while not stack.task(key).status.terminal:
        stack.step()
    stack.give_up_one()
    assert published(stack, key) == []

    for _ in range(2):
        stack.clock.advance(300)
        stack.sweep()

    assert published(stack, key) == ["FAILED", "alarm"]
