"""What a crash is put into: the ways of a task from its creation to its end, each checked to the last detail.

Every task type allows one attempt more than its flow needs: that a crash costs no more is part of the check.
"""

from collections.abc import Callable
from typing import Any

from serverless_tasks import Backoff, PermanentError, TaskEntity, TaskKey, TaskStatus, TaskType, TransitionRefused

from tests.support.crashes import World, check_history
from tests.support.stacks import dead_letters, to_be_told, told

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


def ended(world: World, key: TaskKey, status: TaskStatus, keys: list[str]) -> TaskEntity:
    """The task at its end: with its status, a sane history, every keyed effect there once, the topics told."""
    task = world.end(key)
    world.settle()
    if world.untold(key):
        world.let_the_sweeper_tell()
    assert world.stack.task(key) == task
    assert task.status is status, task.error
    check_history(task)
    assert sorted(world.effects) == sorted(keys)
    assert to_be_told(world.stack, status) <= set(told(world.stack, key))
    assert ("alarm" in told(world.stack, key)) is (S.FAILED in told(world.stack, key))
    assert dead_letters(world.stack) == []
    return task


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
    answered(world, lambda: world.stack.service.cancel_task(key))
    world.end(key)
    answered(world, lambda: world.stack.service.retry_task(key))
    task = ended(world, key, S.COMPLETED, [str(key)])

    assert (task.run, task.result) == (1, 1)
    return task


def answered(world: World, request: Callable[[], TaskEntity]) -> None:
    """A cancel or retry whose answer was lost may have been heard: the second one is refused then."""

    def ask() -> None:
        try:
            request()
        except TransitionRefused as refused:
            if str(refused) not in ALREADY:
                raise

    world.insist(ask)
