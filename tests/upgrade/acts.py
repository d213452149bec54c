"""Acts on a stack, of users or of time, as data. Those of many steps can be gone on with in the middle."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from serverless_tasks import TaskService

from tests.upgrade.world import World

Act = Sequence[Any]
Steps = Iterator[str]
MOST_STEPS = 500
SWEEP_SECONDS = 300
ACTS: dict[str, Callable[..., Steps]] = {}
OF_MANY_STEPS = ("run", "until", "at", "sweep until ended")


def play(world: World, acts: Sequence[Act], begun: int | None = None) -> Iterator[tuple[int, str]]:
    """Do them; after each step comes the number of its act and what it was. ``begun``: the act that is under way."""
    first = 0 if begun is None else begun + (acts[begun][0] not in OF_MANY_STEPS)
    for number, (name, *arguments) in enumerate(acts):
        if number >= first:
            for step in ACTS[name](world, *arguments):
                yield number, step


def act(name: str) -> Callable[[Callable[..., Steps]], Callable[..., Steps]]:
    """Decorator: what an act of this name does."""

    def kept(do: Callable[..., Steps]) -> Callable[..., Steps]:
        ACTS[name] = do
        return do

    return kept


@act("create")
def _create(world: World, kind: str, task_type: str, given: Any, options: dict[str, Any]) -> Steps:
    world.clock.advance(1)  # so that no two have one code
    create = {"TASK": TaskService.create_task, "SFN_TASK": TaskService.create_step_function_task}[kind]
    task = create(world.service, "mbc", task_type, given, idempotency_key=options.get("key"))
    if f"{task.pk} {task.sk}" not in world.created:
        world.created.append(f"{task.pk} {task.sk}")
    yield f"created {kind}"


@act("upload")
def _upload(world: World, task_type: str, text: str, written: str) -> Steps:
    upload = world.service.create_upload("mbc", written)
    world.upload(upload, text.encode())
    task = world.service.create_step_function_task("mbc", task_type, input_ref=upload.input_ref)
    world.created.append(f"{task.pk} {task.sk}")
    yield "created SFN_TASK of an upload"


@act("run")
def _run(world: World) -> Steps:
    """Until all tasks have ended and nothing is left to pass on."""
    return _steps(world, lambda: _ended(world))


@act("until")
def _until(world: World, number: int, status: str) -> Steps:
    return _steps(world, lambda: world.task(world.key(number)).status == status)


@act("at")
def _at(world: World, state: str) -> Steps:
    """Until an execution is about to enter that state."""
    return _steps(world, lambda: any(machine.next == state for machine in world.running()))


@act("sweep until ended")
def _sweep_until_ended(world: World) -> Steps:
    for _ in range(MOST_STEPS):
        if _ended(world):
            return
        while world.step():
            yield world.did
        world.clock.advance(SWEEP_SECONDS)
        world.sweep()
        yield "sweeper"
    raise AssertionError(f"still {[str(task.status) for task in world.tasks()]}")


@act("sweep")
def _sweep(world: World, after: int) -> Steps:
    world.clock.advance(after)
    world.sweep()
    yield "sweeper"


@act("cancel")
def _cancel(world: World, number: int) -> Steps:
    world.service.cancel_task(world.key(number), by="alice")
    yield "cancelled"


@act("retry")
def _retry(world: World, number: int) -> Steps:
    world.service.retry_task(world.key(number), by="bob")
    yield "retried"


@act("send")
def _send(world: World, body: str) -> Steps:
    world.memory.queue.send_body(body)
    yield "sent"


@act("lose")
def _lose(world: World, what: str) -> Steps:
    match what:
        case "record":
            del world.memory.table.stream[0]
        case "message":
            world.memory.queue.messages.clear()
        case "objects":
            world.memory.payloads.objects.clear()
        case "execution":
            world.memory.executions.stopped |= {machine.context["Execution"]["Id"] for machine in world.running()}
    yield f"lost: {what}"


@act("break")
def _break(world: World, function: str) -> Steps:
    world.broken.add(function)
    yield f"{function} cannot be called"


@act("mend")
def _mend(world: World, function: str) -> Steps:
    world.broken.remove(function)
    yield f"{function} can be called"


@act("down")
def _down(world: World, topic: str) -> Steps:
    world.topics[topic].down = True
    yield f"{topic}: down"


@act("up")
def _up(world: World, topic: str) -> Steps:
    world.topics[topic].down = False
    yield f"{topic}: up"


def _ended(world: World) -> bool:
    return all(task.status.terminal for task in world.tasks()) and not world.memory.table.stream


def _steps(world: World, done: Callable[[], bool]) -> Steps:
    for _ in range(MOST_STEPS):
        if done():
            return
        if world.step():
            yield world.did
        else:
            world.clock.now = world.idle_until()
    raise AssertionError(f"still {[str(task.status) for task in world.tasks()]}")
