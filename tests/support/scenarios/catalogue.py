"""The catalogue of scenarios, and what they share.

A scenario is played on the stack in memory and on the one over moto, and both must end alike. A flow is a scenario that
survives a crash at every call. It checks each detail of its end, and its task types allow one attempt more than it
needs: a crash costs no more than that.
"""

from collections.abc import Callable
from typing import Any

from serverless_tasks import TaskEntity, TaskKey, TaskStatus, TaskType, TransitionRefused

from tests.support.crashes import CrashStack, World, check_history
from tests.support.stacks import dead_letters, published, to_be_published

Scenario = Callable[[Any], None]
"""Plays on a :class:`tests.support.stacks.Stack`; a flow's needs a :class:`tests.support.crashes.CrashStack`."""
Flow = Callable[[World], TaskEntity]
SCENARIOS: dict[str, Scenario] = {}
FLOWS: dict[str, Flow] = {}
SWEPT: set[str] = set()
"""Names of the flows in which something is lost that only the sweeper sends again."""
LARGE = 5_000
ALREADY = {f"a task that is {status} cannot become {status}" for status in ("CANCELLED", "CREATED")}
HAPPY = "CREATED STARTED PROCESSING FINISHED COMPLETED"
S = TaskStatus


def scenario(play: Scenario) -> Scenario:
    """Decorator: one of the scenarios."""
    SCENARIOS[play.__name__] = play
    return play


def flow(play: Flow) -> Flow:
    """Decorator: one of the flows."""

    def played(stack: CrashStack) -> None:
        play(World(stack))

    FLOWS[play.__name__] = play
    SCENARIOS[play.__name__] = played
    return play


def swept(play: Flow) -> Flow:
    """Decorator: one of the flows that need the sweeper."""
    SWEPT.add(play.__name__)
    return flow(play)


def create(world: World, value: Any) -> TaskKey:
    """A single task, asked for until there is an answer."""
    return world.insist(lambda: world.stack.service.create_task("mbc", "cat", value, idempotency_key="the request")).key


def ended(world: World, key: TaskKey, status: TaskStatus, keys: list[str]) -> TaskEntity:
    """The task at its end: with its status, a sane history, every keyed effect there once, and its messages."""
    task = world.end(key)
    world.settle()
    if world.is_undelivered(key):
        world.let_the_sweeper_publish()
    assert world.stack.task(key) == task
    assert task.status is status, task.error
    check_history(task)
    assert sorted(world.effects) == sorted(keys)
    assert to_be_published(world.stack, status) <= set(published(world.stack, key))
    assert ("alarm" in published(world.stack, key)) is (S.FAILED in published(world.stack, key))
    assert dead_letters(world.stack) == []
    return task


def result(world: World, task: TaskEntity) -> Any:
    """The task's result, wherever it is."""
    with world.stack.calls.unheard():
        return world.stack.service.load_result(task)


def answered(world: World, request: Callable[[], TaskEntity]) -> None:
    """A cancel or retry whose answer was lost may have been heard: the second one is refused then."""

    def ask() -> None:
        try:
            request()
        except TransitionRefused as refused:
            if str(refused) not in ALREADY:
                raise

    world.insist(ask)


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


def a_type_that_fans_out(world: World, **policy: Any) -> TaskType:
    """A task type whose sub-tasks, and fan-in, say what they got."""
    cat = TaskType("cat", **{"max_attempts": 2, "chunk_size": 2, **policy})

    @cat.sub_task
    def handle(event: Any, context: Any) -> Any:
        world.effect(context)
        return [event.input, context.run]

    @cat.finished
    def fan_in(event: Any, outcomes: Any) -> Any:
        return [outcome.result for outcome in outcomes]

    return cat
