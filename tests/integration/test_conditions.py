"""Condition mutation: each clause of each conditional write is needed, and its loss is noticed.

``FENCES`` is written by hand: a clause that disappears from the layer, or a new one, makes it differ.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ReadTimeoutError
from serverless_tasks import Backoff, TaskKey, TaskStatus, TaskType
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.outbox import undelivered
from serverless_tasks.core.task import transitions
from serverless_tasks.testing import MemoryStack, WorkerKilled
from serverless_tasks.workers import attempt

from tests.support.fences import Fence, FencedStack, builders
from tests.support.stacks import fan_out, single, sweep_until_ended

Scenario = Callable[[MemoryStack], Any]


def a_task(stack: MemoryStack) -> TaskKey:
    """A single task that checkpoints, fails once and completes."""
    cat = TaskType("cat", backoff=Backoff(base=1))

    @cat.task
    def handle(event: Any, context: Any) -> None:
        context.checkpoint("here", progress=0.5)
        if context.attempt == 1:
            raise ValueError("first time")

    return single(stack).key


def a_task_of_two_invocations(stack: MemoryStack) -> None:
    cat = TaskType("cat", timeout=4000)

    @cat.task
    def handle(event: Any, context: Any) -> None:
        if context.state is None:
            stack.clock.advance(880)
            context.checkpoint("here")

    single(stack)


def a_task_whose_worker_gives_a_sign_of_life(stack: MemoryStack) -> None:
    cat, beats = TaskType("cat"), list[Callable[[], bool]]()

    @cat.task
    def handle(event: Any, context: Any) -> None:
        stack.clock.advance(60)
        beats[0]()

    with patch.object(attempt, "Heartbeat", lambda beat: beats.append(beat) or nullcontext()):
        single(stack)


def a_task_that_fails(stack: MemoryStack) -> TaskKey:
    return single(stack).key


def a_task_whose_every_worker_dies(stack: MemoryStack) -> None:
    cat = TaskType("cat", max_attempts=1)

    @cat.task
    def handle(event: Any, context: Any) -> None:
        raise WorkerKilled

    single(stack)


def a_task_that_is_cancelled_and_retried(stack: MemoryStack) -> None:
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.service.cancel_task(key)
    stack.service.retry_task(key)


def a_task_that_is_moved_by_hand(stack: MemoryStack) -> None:
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.service.update_status(key, TaskStatus.FAILED)


def a_task_that_is_taken_by_hand(stack: MemoryStack) -> None:
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.service.update_status(key, TaskStatus.PROCESSING)


def a_task_whose_record_is_lost(stack: MemoryStack) -> None:
    key = stack.service.create_task("mbc", "cat", 1).key
    del stack.memory.table.stream[0]
    sweep_until_ended(stack, key)


def a_task_whose_objects_are_renewed(stack: MemoryStack) -> None:
    stack.service.create_task("mbc", "cat", 1)
    stack.clock.advance(16 * 86_400)
    stack.sweep()


def a_task_whose_end_no_topic_takes(stack: MemoryStack) -> None:
    def refuse(tasks: Any) -> Any:
        return {task.key: ConnectionError() for task in tasks}

    with patch.object(stack.memory.status_topic, "publish", refuse):
        stack.run(stack.service.create_task("mbc", "nobody", 1).key)
    stack.clock.advance(60)
    stack.sweep()


def a_request_that_is_sent_twice(stack: MemoryStack) -> None:
    for _ in range(2):
        stack.service.create_task("mbc", "cat", 1, idempotency_key="k")


def a_fan_out(stack: MemoryStack) -> None:
    """Chunks that are flushed, whose worker dies in the first round, and another one, that isolates, in the second."""
    cat, died = TaskType("cat", chunk_size=3), list[int]()

    @cat.sub_task
    def handle(event: Any, context: Any) -> None:
        stack.clock.advance(6)
        if event.index == 1 and len(died) < 2:
            died.append(1)
            raise WorkerKilled

    fan_out(stack, [1, 2, 3, 4])


def a_fan_out_whose_input_is_read_at_the_second_try(stack: MemoryStack) -> None:
    TaskType("cat").sub_task(lambda event, context: None)
    key = stack.service.create_step_function_task("mbc", "cat", ["x" * 5000]).key
    blocks, tried = stack.memory.payloads.blocks, list[int]()

    def refuse(reference: Any, *place: int) -> Any:
        if place and not tried:
            tried.append(1)
            raise ReadTimeoutError(endpoint_url="bucket")
        return blocks(reference, *place)

    with patch.object(stack.memory.payloads, "blocks", refuse):
        stack.run(key)


def a_fan_out_of_two_runs(stack: MemoryStack) -> None:
    cat = TaskType("cat", max_attempts=1)
    cat.sub_task(lambda event, context: 1 // context.run)
    key = fan_out(stack, [1]).key
    stack.service.retry_task(key)
    stack.run(key)


def a_fan_out_that_runs_for_longer_than_it_is_kept(stack: MemoryStack) -> None:
    TaskType("cat").sub_task(lambda event, context: stack.clock.advance(31 * 86_400))
    fan_out(stack, [1])


TRANSITION = ["status equals", "version equals"]
WORKERS = [*TRANSITION, "attempt equals"]
HELD = ["run equals", "attempt equals"]

FENCES: dict[str, tuple[Scenario, list[str]]] = {
    # creation
    "put TASK": (a_task, ["pk absent"]),
    "put SFN_TASK": (a_fan_out, ["pk absent"]),
    "put IDEMPOTENCY": (a_request_that_is_sent_twice, ["validUntil absent or at most"]),
    # transitions of a parent
    "queued": (a_task, TRANSITION),
    "started": (a_fan_out, TRANSITION),
    "claimed": (a_task, [*TRANSITION, "leaseUntil absent or at most"]),
    "continued": (a_task_of_two_invocations, WORKERS),
    "errored": (a_task, WORKERS),
    "planned": (a_fan_out, TRANSITION),
    "finished": (a_fan_out, TRANSITION),
    "completed": (a_task, WORKERS),
    "failed": (a_task_that_fails, WORKERS),
    "given_up": (a_task_whose_every_worker_dies, [*WORKERS, "leaseUntil absent or at most"]),
    "cancelled": (a_task_that_is_cancelled_and_retried, TRANSITION),
    "retried": (a_task_that_is_cancelled_and_retried, TRANSITION),
    "manual_attempt": (a_task_that_is_taken_by_hand, [*TRANSITION, "leaseUntil absent or at most"]),
    "manual_update": (a_task_that_is_moved_by_hand, WORKERS),
    # other writes to a parent
    "worker_data": (a_task, ["version equals"]),
    "renewed": (a_task_whose_worker_gives_a_sign_of_life, ["version equals", "leaseUntil absent or at most"]),
    "looked_at": (a_task_whose_record_is_lost, [*TRANSITION, "dueAt equals"]),
    "kept": (a_task_whose_objects_are_renewed, ["dueAt equals"]),
    "progress": (a_fan_out, ["status equals", "run equals", "doneChunks lacks"]),
    # the end of a parent that a topic did not take
    "refused": (a_task_whose_end_no_topic_takes, ["pk absent"]),
    "put_off": (a_task_whose_end_no_topic_takes, ["dueAt equals"]),
    "delivered": (a_task_whose_end_no_topic_takes, ["dueAt equals"]),
    # chunks
    "create": (a_fan_out, ["pk absent"]),
    "keep": (a_fan_out_that_runs_for_longer_than_it_is_kept, ["expiresAt equals"]),
    "claim": (a_fan_out, ["run equals", "finishedAt absent", "leaseUntil absent or at most"]),
    "claim_lost": (a_fan_out, ["run equals", "finishedAt absent", "holder equals"]),
    "free": (a_fan_out, ["run equals", "holder equals"]),
    "take_over": (a_fan_out_of_two_runs, [*HELD, "succeeded equals"]),
    "flush": (a_fan_out, HELD),
    "mark_in_flight": (a_fan_out, HELD),
    "release": (a_fan_out, HELD),
    "give_back": (a_fan_out_whose_input_is_read_at_the_second_try, HELD),
}
EACH = [(builder, clause) for builder, (_, clauses) in FENCES.items() for clause in clauses]


@pytest.mark.parametrize("builder", FENCES)
def test_the_conditions_of_each_write_are_these(builder: str) -> None:
    scenario, clauses = FENCES[builder]
    stack = FencedStack()

    stack.play(scenario)

    assert stack.seen[builder] == clauses


def test_every_builder_of_a_write_is_among_them() -> None:
    built = {name for module in (transitions, chunks, undelivered) for name in builders(module)}

    assert built == {name for name in FENCES if not name.startswith("put ")}


@pytest.mark.parametrize("fence", EACH, ids=" ".join)
def test_each_clause_refuses_the_write_alone(fence: Fence) -> None:
    # GIVEN an item whose one attribute changes between the writer's read and its write
    stack = FencedStack(fence)

    # WHEN the writer writes
    stack.play(FENCES[fence[0]][0])

    # THEN it learns that it came too late
    assert stack.refused is True


@pytest.mark.parametrize("fence", EACH, ids=" ".join)
def test_the_loss_of_each_clause_is_noticed(fence: Fence) -> None:
    # GIVEN the same without this clause
    stack = FencedStack(fence, dropped=fence)

    stack.play(FENCES[fence[0]][0])

    # THEN the write goes through, and the test above would fail
    assert stack.refused is False


def test_an_undisturbed_write_goes_through() -> None:
    stack = FencedStack()

    stack.play(a_task)

    assert stack.refused is None
