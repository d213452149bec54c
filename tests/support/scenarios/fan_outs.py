"""Step Functions tasks: rounds, retries, cancels, duplicates."""

from typing import Any

from serverless_tasks import Backoff, PermanentError, TaskEntity, TaskKey, TaskStatus, TaskType

from tests.support.crashes import World
from tests.support.scenarios.catalogue import (
    HAPPY,
    LARGE,
    SCENARIOS,
    S,
    Scenario,
    a_type_that_fans_out,
    answered,
    counts,
    create_list,
    ended,
    flow,
    result,
    results,
    scenario,
    sub_keys,
)
from tests.support.stacks import Stack, deliver_twice, fan_out, path

DAY = 86_400


@flow
def aa_type_that_fans_out(world: World) -> TaskEntity:
    a_type_that_fans_out(world)

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
    a_type_that_fans_out(world, chunk_size=1)

    key = create_list(world, ["a" * LARGE, "b" * LARGE])
    task = ended(world, key, S.COMPLETED, sub_keys(key, 0, 1))

    assert result(world, task) == [["a" * LARGE, 0], ["b" * LARGE, 0]]
    assert counts(task) == (2, 2, 0)
    return task


@flow
def a_fan_out_with_results_in_objects_of_their_own(world: World) -> TaskEntity:
    a_type_that_fans_out(world)

    key = create_list(world, ["a", "b" * 300_000])
    task = ended(world, key, S.COMPLETED, sub_keys(key, 0, 1))

    assert result(world, task) == [["a", 0], ["b" * 300_000, 0]]
    return task


@flow
def an_emptya_type_that_fans_out(world: World) -> TaskEntity:
    a_type_that_fans_out(world)

    task = ended(world, create_list(world, []), S.COMPLETED, [])

    assert (task.result, counts(task)) == ([], (0, 0, 0))
    return task


@flow
def a_fan_out_whose_sub_tasks_run_at_once(world: World) -> TaskEntity:
    cat, failed = a_type_that_fans_out(world, chunk_size=3, concurrency=2), list[int]()
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
    cat = a_type_that_fans_out(world)

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


@scenario
def a_fan_out_of_an_unknown_type_fails(stack: Stack) -> None:
    assert path(fan_out(stack, [1, 2])) == "CREATED STARTED FAILED"


def _of_count(count: int) -> Scenario:
    def play(stack: Stack) -> None:
        cat = TaskType("cat")
        cat.sub_task(lambda event, context: event.input + 1)
        cat.finished(lambda event, outcomes: sum(outcome.result for outcome in outcomes))

        task = fan_out(stack, list(range(count)))

        assert path(task) == HAPPY
        assert task.result == sum(range(1, count + 1))
        assert counts(task) == (count, count, 0)

    return play


@scenario
def failures_are_tolerated(stack: Stack) -> None:
    cat = TaskType("cat", max_attempts=1, tolerated_failures="50%")
    cat.sub_task(lambda event, context: 1 // event.input)
    cat.finished(lambda event, outcomes: [str(outcome.status) for outcome in outcomes])

    assert fan_out(stack, [0, 1, 0, 1]).result == ["FAILED", "COMPLETED"] * 2


@scenario
def sub_tasks_are_tried_again_in_time_and_in_later_rounds(stack: Stack) -> None:
    cat = TaskType("cat", chunk_size=2, backoff=Backoff(base=12, factor=10, cap=900))

    @cat.sub_task
    def fail_twice(event: Any, context: Any) -> int:
        if event.index % 2 and context.attempt < 3:
            raise ValueError("not yet")
        return int(context.attempt)

    task = fan_out(stack, [0, 1, 2])

    assert path(task) == HAPPY
    assert [s.attempt for s in stack.service.list_sub_tasks(task.key).items] == [1, 3, 1]


@scenario
def a_retry_runs_what_did_not_complete(stack: Stack) -> None:
    cat, ran = TaskType("cat", max_attempts=1, chunk_size=2), []

    @cat.sub_task
    def fail_in_the_first_run(event: Any, context: Any) -> str:
        ran.append((context.run, event.index))
        if context.run == 0 and event.index in (0, 3):
            raise ValueError("first run")
        return "r" * 3000

    key = fan_out(stack, [0, 1, 2, 3, 4]).key
    stack.service.retry_task(key)
    task = stack.run(key)

    assert ran == [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (1, 3)]
    assert path(task) == "CREATED STARTED PROCESSING FINISHED FAILED " + HAPPY
    assert counts(task) == (5, 5, 0)


@scenario
def a_fan_out_is_cancelled_and_retried(stack: Stack) -> None:
    cat = TaskType("cat", chunk_size=2)

    @cat.sub_task
    def cancel(event: Any, context: Any) -> int:
        if context.run == 0 and event.index == 2:
            stack.service.cancel_task(key)
        return int(context.run)

    key = stack.service.create_step_function_task("mbc", "cat", list(range(6))).key
    assert stack.run(key).status is TaskStatus.CANCELLED
    while stack.step():
        pass
    shown = [str(s.status) for s in stack.service.list_sub_tasks(key).items]
    assert shown == ["COMPLETED"] * 4 + ["CANCELLED"] * 2
    stack.service.retry_task(key)

    task = stack.run(key)

    results = [s.attributes["result"] for s in stack.service.list_sub_tasks(key).items]
    assert results == [0, 0, 0, 0, 1, 1]
    assert counts(task) == (6, 6, 0)


@scenario
def a_fan_out_is_started_twice(stack: Stack) -> None:
    cat, ran = TaskType("cat"), []
    cat.sub_task(lambda event, context: ran.append(event.index))
    key = stack.service.create_step_function_task("mbc", "cat", [1, 2]).key
    deliver_twice(stack)

    assert path(stack.run(key)) == HAPPY
    assert ran == [0, 1]


@scenario
def a_sub_task_is_given_its_outcome(stack: Stack) -> None:
    cat = TaskType("cat", chunk_size=2)
    cat.sub_task(lambda event, context: "by the handler")
    key = stack.service.create_step_function_task("mbc", "cat", [0, 1, 2, 3]).key
    while stack.task(key).status is not TaskStatus.PROCESSING:
        stack.step()

    stack.service.update_sub_task_status(key.sub_task(1), TaskStatus.COMPLETED, {"result": "by hand"})

    stack.run(key)
    results = [s.attributes["result"] for s in stack.service.list_sub_tasks(key).items]
    assert results == ["by the handler", "by hand", "by the handler", "by the handler"]


SCENARIOS |= {f"a_fan_out_of_{count}": _of_count(count) for count in (1, 100)}


@scenario
def a_fan_out_that_runs_for_longer_than_it_is_kept(stack: Stack) -> None:
    cat = TaskType("cat")

    @cat.sub_task
    def run_for_a_month(event: Any, context: Any) -> int:
        if event.index == 1 and context.attempt == 1:
            stack.clock.advance(31 * DAY)
            raise ValueError("first time")
        return int(context.attempt)

    task = fan_out(stack, [1, 2])

    assert path(task) == HAPPY
