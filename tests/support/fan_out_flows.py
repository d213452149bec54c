"""The ways of Step Functions tasks, and of what is lost on the way, as in :mod:`tests.support.flows`."""

from typing import Any

from serverless_tasks import Backoff, PermanentError, TaskEntity, TaskKey, TaskStatus, TaskType

from tests.support.crashes import World
from tests.support.flows import LARGE, Flow, answered, create, ended, flow, result
from tests.support.stacks import lose_messages, lose_record, path, stop_execution

LOSSES: set[str] = set()
"""Names of those in which something is lost that nobody sends again but the sweeper."""
S = TaskStatus


def loss(play: Flow) -> Flow:
    """Decorator: one of the flows that need the sweeper."""
    LOSSES.add(play.__name__)
    return flow(play)


def create_list(world: World, elements: list[Any]) -> TaskKey:
    """A Step Functions task, asked for until there is an answer."""
    return world.insist(
        lambda: world.stack.service.create_step_function_task("mbc", "cat", elements, idempotency_key="the request")
    ).key


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

    key = create_list(world, ["a", "b", "c", "d", "e"])
    task = ended(world, key, S.COMPLETED, sub_keys(key, 0, 1, 2, 3, 4))

    assert task.result == results(world, key) == [[letter, 0] for letter in "abcde"]
    assert counts(task) == (5, 5, 0)
    assert task.done_chunks <= {0, 1, 2}
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
def a_fan_out_whose_sub_tasks_run_at_once(world: World) -> TaskEntity:
    cat, failed = _fan_out(world, chunk_size=3, concurrency=2), list[int]()
    cat.sub_task_handler = None

    @cat.sub_task
    async def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        if event.index == 1 and not failed:
            failed.append(1)
            raise ValueError("first time")
        return [event.input, context.run]

    key = create_list(world, ["a", "b", "c", "d" * 300_000, "e"])
    task = ended(world, key, S.COMPLETED, sub_keys(key, 0, 1, 2, 3, 4))

    assert result(world, task) == [[letter, 0] for letter in ("a", "b", "c", "d" * 300_000, "e")]
    assert counts(task) == (5, 5, 0)
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
    answered(world, lambda: world.stack.service.retry_task(key))
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
                answered(world, lambda: world.stack.service.cancel_task(event.task_entity.key))
        return context.run

    key = create_list(world, ["a", "b", "c"])
    task = ended(world, key, S.CANCELLED, [])

    assert set(results(world, key)) <= {0, "CANCELLED"}
    return task


@flow
def several_tasks_at_once(world: World) -> TaskEntity:
    """Records come in batches: new tasks of both kinds, ends to tell, an alarm, a cancel behind its creation."""
    world.stack.relay_batch = 25
    cat = _fan_out(world)

    @cat.task
    def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        if event.input == "never":
            raise PermanentError("never")
        return event.input

    def new(value: str) -> TaskKey:
        return world.insist(lambda: service.create_task("mbc", "cat", value, idempotency_key=value)).key

    def new_list(value: str) -> TaskKey:
        return world.insist(lambda: service.create_step_function_task("mbc", "cat", [value], idempotency_key=value)).key

    service = world.stack.service
    singles, failed, fan_out, stopped = [new("a"), new("b")], new("never"), new_list("c"), new_list("stopped")
    answered(world, lambda: service.cancel_task(stopped))

    keys = [str(key) for key in (*singles, failed)] + sub_keys(fan_out, 0)
    for key in (*singles, fan_out):
        ended(world, key, S.COMPLETED, keys)
    ended(world, stopped, S.CANCELLED, keys)
    return ended(world, failed, S.FAILED, keys)


@loss
def a_task_whose_record_is_lost(world: World) -> TaskEntity:
    _fan_out(world).task(lambda event, context: "found")
    key = create(world, 1)
    lose_record(world.stack)

    return ended(world, key, S.COMPLETED, [])


@loss
def a_task_whose_message_is_lost(world: World) -> TaskEntity:
    _fan_out(world).task(lambda event, context: "found")
    key = create(world, 1)
    while world.stack.task(key).status is S.CREATED:
        world.stack.relay_one()
    lose_messages(world.stack)

    return ended(world, key, S.COMPLETED, [])


@loss
def a_fan_out_whose_record_is_lost(world: World) -> TaskEntity:
    _fan_out(world)
    key = create_list(world, ["a"])
    lose_record(world.stack)

    return ended(world, key, S.COMPLETED, sub_keys(key, 0))


@loss
def a_fan_out_whose_execution_is_stopped(world: World) -> TaskEntity:
    _fan_out(world)
    key = create_list(world, ["a"])
    while world.stack.task(key).status is S.CREATED:
        world.stack.relay_one()
    stop_execution(world.stack, world.stack.task(key))

    return ended(world, key, S.FAILED, [])
