"""The task types of all scenarios. What a handler does, its input says, so that another version's can go on with it."""

from collections.abc import Iterable
from typing import Any, Protocol

from serverless_tasks import Backoff, PermanentError, TaskContext, TaskService, TaskType
from serverless_tasks.testing import VirtualClock, WorkerKilled


class World(Protocol):
    """What handlers see of the stack that they run in."""

    clock: VirtualClock
    service: TaskService
    calls: list[str]
    """Every call of a handler so far: the key that makes it idempotent, its run and its attempt."""


def define(world: World) -> None:
    """Define ``cat``, ``walker`` with time for several invocations, and ``herd``, which may lose one."""
    cat = TaskType("cat", max_attempts=3, backoff=Backoff(base=10), chunk_size=2, timeout=60)
    walker = TaskType("walker", max_attempts=2, timeout=4000)
    herd = TaskType("herd", max_attempts=3, backoff=Backoff(base=2000, cap=2000), chunk_size=2, tolerated_failures=1)

    def handle(event: Any, context: TaskContext) -> Any:
        return _obey(world, event, context)

    def fan_in(event: Any, outcomes: Iterable[Any]) -> Any:
        world.calls.append(f"{event.task_key} fan-in, run {event.context['run']}")
        return [[outcome.index, outcome.status, outcome.result] for outcome in outcomes]

    for single in (cat, walker):
        single.task(handle)
    for fan_out in (cat, herd):
        fan_out.sub_task(handle)
        fan_out.finished(fan_in)


def _obey(world: World, event: Any, context: TaskContext) -> Any:
    world.calls.append(f"{context.idempotency_key} run {context.run}, attempt {context.attempt}")
    match event.input:
        case {"return": value}:
            return value
        case {"return characters": count}:
            return "x" * count
        case {"fail until attempt": attempt} if context.attempt < attempt:
            raise ValueError(f"attempt {context.attempt}")
        case {"die until attempt": attempt} if context.attempt < attempt:
            raise WorkerKilled
        case {"refuse until run": run} if context.run < run:
            raise PermanentError(f"in run {context.run}")
        case {"cancel in run": run} if context.run == run:
            world.service.cancel_task(event.task_entity.key, by="alice")
        case {"walk": steps}:
            return _walk(world, context, steps)
        case {"save characters and fail": count} if context.state is None:
            context.checkpoint("c" * count, progress=0.5)
            raise ValueError("after the checkpoint")
    return ["done", context.state and len(context.state)]


def _walk(world: World, context: TaskContext, steps: int) -> list[int]:
    done: list[int] = context.state or []
    while len(done) < steps:
        world.clock.advance(400)
        done = [*done, len(done)]
        context.checkpoint(done, progress=len(done) / steps)
    return done
