"""What a crash is put into: the ways of a task from its creation to its end, each checked to the last detail.

Every task type allows one attempt more than its flow needs: that a crash costs no more is part of the check.
"""

from collections.abc import Callable
from typing import Any

from serverless_tasks import Backoff, PermanentError, TaskEntity, TaskKey, TaskStatus, TaskType, TransitionRefused

from tests.support.crashes import World, check_history
from tests.support.stacks import lose_messages, lose_record, path, stop_execution

Flow = Callable[[World], TaskEntity]
FLOWS: dict[str, Flow] = {}
LARGE = 5_000
ALREADY = {f"a task that is {status} cannot become {status}" for status in ("CANCELLED", "CREATED")}
S = TaskStatus


def flow(play: Flow) -> Flow:
    """Decorator: one of the flows."""
    FLOWS[play.__name__] = play
    return play


def create(world: World, value: Any) -> TaskKey:
    """A single task, asked for until there is an answer."""
    return world.insist(lambda: world.stack.service.create_task("mbc", "cat", value, idempotency_key="the request")).key


def create_list(world: World, elements: list[Any]) -> TaskKey:
    """A Step Functions task, asked for until there is an answer."""
    return world.insist(
        lambda: world.stack.service.create_step_function_task("mbc", "cat", elements, idempotency_key="the request")
    ).key


def ended(world: World, key: TaskKey, status: TaskStatus, keys: list[str]) -> TaskEntity:
    """The task at its end: with its status, a sane history, and every keyed effect there once."""
    task = world.end(key)
    world.settle()
    assert world.stack.task(key) == task
    assert task.status is status, task.error
    check_history(task)
    assert sorted(world.effects) == sorted(keys)
    return task


def sub_keys(key: TaskKey, *indexes: int) -> list[str]:
    """Idempotency keys of sub-tasks."""
    return [str(key.sub_task(index)) for index in indexes]


def counts(task: TaskEntity) -> tuple[int, int, int]:
    """Sub-tasks, succeeded, failed."""
    names = ("subTaskCount", "subTaskSucceedCount", "subTaskFailedCount")
    total, succeeded, failed = (int(task.attributes[name]) for name in names)
    return total, succeeded, failed


def results(world: World, key: TaskKey) -> list[Any]:
    """The sub-tasks' results, or what else they are."""
    with world.stack.calls.unheard():
        items = world.stack.service.list_sub_tasks(key, limit=100).items
    return [sub_task.attributes.get("result", str(sub_task.status)) for sub_task in items]


def result(world: World, task: TaskEntity) -> Any:
    """The task's result, wherever it is."""
    with world.stack.calls.unheard():
        return world.stack.service.load_result(task)


@flow
def a_task(world: World) -> TaskEntity:
    cat = TaskType("cat", max_attempts=2)

    @cat.task
    def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        return {"fed": event.input}

    key = create(world, "fish")
    task = ended(world, key, S.COMPLETED, [str(key)])

    assert task.result == {"fed": "fish"}
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
    _answered(world, lambda: world.stack.service.cancel_task(key))
    world.end(key)
    _answered(world, lambda: world.stack.service.retry_task(key))
    task = ended(world, key, S.COMPLETED, [str(key)])

    assert (task.run, task.result) == (1, 1)
    return task


def _answered(world: World, request: Callable[[], TaskEntity]) -> None:
    """A cancel or retry whose answer was lost may have been heard: the second one is refused then."""

    def ask() -> None:
        try:
            request()
        except TransitionRefused as refused:
            if str(refused) not in ALREADY:
                raise

    world.insist(ask)


def _fan_out(world: World, **policy: Any) -> TaskType:
    cat = TaskType("cat", **{"max_attempts": 2, "chunk_size": 2, **policy})

    @cat.sub_task
    def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        return [event.input, context.run]

    @cat.finished
    def fan_in(event: Any, outcomes: Any) -> Any:
        return [outcome.result for outcome in outcomes]

    return cat


@flow
def a_fan_out(world: World) -> TaskEntity:
    _fan_out(world)

    key = create_list(world, ["a", "b", "c"])
    task = ended(world, key, S.COMPLETED, sub_keys(key, 0, 1, 2))

    assert task.result == results(world, key) == [["a", 0], ["b", 0], ["c", 0]]
    assert counts(task) == (3, 3, 0)
    assert task.done_chunks <= {0, 1}
    assert path(task).endswith("PROCESSING FINISHED COMPLETED")
    assert max(world.effects.values()) <= 2
    return task


@flow
def a_fan_out_with_large_payloads(world: World) -> TaskEntity:
    _fan_out(world, chunk_size=1)

    key = create_list(world, ["a" * LARGE, "b" * LARGE])
    task = ended(world, key, S.COMPLETED, sub_keys(key, 0, 1))

    assert result(world, task) == [["a" * LARGE, 0], ["b" * LARGE, 0]]
    assert counts(task) == (2, 2, 0)
    return task


@flow
def a_fan_out_with_results_in_objects_of_their_own(world: World) -> TaskEntity:
    _fan_out(world)

    key = create_list(world, ["a", "b" * 300_000])
    task = ended(world, key, S.COMPLETED, sub_keys(key, 0, 1))

    assert result(world, task) == [["a", 0], ["b" * 300_000, 0]]
    return task


@flow
def an_empty_fan_out(world: World) -> TaskEntity:
    _fan_out(world)

    task = ended(world, create_list(world, []), S.COMPLETED, [])

    assert (task.result, counts(task)) == ([], (0, 0, 0))
    return task


@flow
def a_fan_out_of_several_rounds(world: World) -> TaskEntity:
    cat, failed = TaskType("cat", max_attempts=3, chunk_size=2, backoff=Backoff(base=600, cap=600)), list[int]()

    @cat.sub_task
    def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        if event.index == 1 and not failed:
            failed.append(1)
            raise ValueError("first time")
        return event.input

    key = create_list(world, ["a", "b", "c"])
    task = ended(world, key, S.COMPLETED, sub_keys(key, 0, 1, 2))

    assert (results(world, key), counts(task)) == (["a", "b", "c"], (3, 3, 0))
    return task


@flow
def a_fan_out_that_fails_and_is_retried(world: World) -> TaskEntity:
    cat = TaskType("cat", max_attempts=2, chunk_size=2)

    @cat.sub_task
    def handle(event: Any, context: Any) -> Any:
        world.effects[f"{context.run}: {event.index}"] += 1
        if event.index == 1 and context.run == 0:
            raise PermanentError("in the first run")
        return context.run

    key = create_list(world, ["a", "b", "c"])
    task = ended(world, key, S.FAILED, ["0: 0", "0: 1", "0: 2"])
    assert counts(task) == (3, 2, 1)
    _answered(world, lambda: world.stack.service.retry_task(key))
    task = ended(world, key, S.COMPLETED, ["0: 0", "0: 1", "0: 2", "1: 1"])

    assert (results(world, key), counts(task)) == ([0, 1, 0], (3, 3, 0))
    return task


@flow
def a_fan_out_that_is_cancelled(world: World) -> TaskEntity:
    cat = TaskType("cat", max_attempts=2, chunk_size=2)

    @cat.sub_task
    def handle(event: Any, context: Any) -> Any:
        if event.index == 1:
            with world.stack.calls.of("api"):
                _answered(world, lambda: world.stack.service.cancel_task(event.task_entity.key))
        return context.run

    key = create_list(world, ["a", "b", "c"])
    task = ended(world, key, S.CANCELLED, [])

    assert set(results(world, key)) <= {0, "CANCELLED"}
    return task


@flow
def a_task_whose_record_is_lost(world: World) -> TaskEntity:
    _fan_out(world).task(lambda event, context: "found")
    key = create(world, 1)
    lose_record(world.stack)

    return ended(world, key, S.COMPLETED, [])


@flow
def a_task_whose_message_is_lost(world: World) -> TaskEntity:
    _fan_out(world).task(lambda event, context: "found")
    key = create(world, 1)
    while world.stack.task(key).status is S.CREATED:
        world.stack.relay_one()
    lose_messages(world.stack)

    return ended(world, key, S.COMPLETED, [])


@flow
def a_fan_out_whose_record_is_lost(world: World) -> TaskEntity:
    _fan_out(world)
    key = create_list(world, ["a"])
    lose_record(world.stack)

    return ended(world, key, S.COMPLETED, sub_keys(key, 0))


@flow
def a_fan_out_whose_execution_is_stopped(world: World) -> TaskEntity:
    _fan_out(world)
    key = create_list(world, ["a"])
    while world.stack.task(key).status is S.CREATED:
        world.stack.relay_one()
    stop_execution(world.stack, world.stack.task(key))

    return ended(world, key, S.FAILED, [])
