"""What a test can do with either stack, the one in memory or the one over moto."""

from collections.abc import Mapping
from typing import Any, Protocol

from serverless_tasks import TaskEntity, TaskKey, TaskService, TaskStatus, Upload
from serverless_tasks.testing import MemoryStack, VirtualClock

from tests.support.moto_stack import MotoStack


class Stack(Protocol):
    """What both have."""

    clock: VirtualClock
    service: TaskService
    relay_batch: int

    def run(self, key: TaskKey) -> TaskEntity: ...
    def task(self, key: TaskKey) -> TaskEntity: ...
    def upload(self, upload: Upload, body: bytes) -> None: ...
    def step(self) -> bool: ...
    def relay_one(self) -> bool: ...
    def work_one(self) -> bool: ...
    def sweep(self) -> int: ...
    def give_up_one(self) -> None: ...
    def invoke(self, function: str, payload: Mapping[str, Any]) -> Any: ...


def path(task: TaskEntity) -> str:
    """The statuses that the task went through."""
    return " ".join(entry["status"] for entry in task.history)


def single(stack: Stack, value: Any = 1) -> TaskEntity:
    """A single task, run to its end."""
    return stack.run(stack.service.create_task("mbc", "cat", value).key)


def fan_out(stack: Stack, elements: list[Any]) -> TaskEntity:
    """A Step Functions task, run to its end."""
    return stack.run(stack.service.create_step_function_task("mbc", "cat", elements).key)


def fan_out_of(stack: Stack, body: bytes, written: str = "jsonl") -> TaskEntity:
    """A Step Functions task of an upload, run to its end."""
    upload = stack.service.create_upload("mbc", written)
    stack.upload(upload, body)
    return stack.run(stack.service.create_step_function_task("mbc", "cat", input_ref=upload.input_ref).key)


def deliver_twice(stack: Stack) -> None:
    """Pass the oldest stream record on, and leave it there: the worst that at-least-once can mean."""
    if isinstance(stack, MemoryStack):
        assert stack.relay.handle(stack.memory.table.stream[:1]) == []
    elif isinstance(stack, MotoStack):
        with stack.calls.of("relay"):
            assert stack.relay.handle(stack.stream.waiting()[:1]) == []


def send(stack: Stack, body: str) -> None:
    """Put any message on the task queue."""
    if isinstance(stack, MemoryStack):
        stack.memory.queue.send_body(body)
    elif isinstance(stack, MotoStack):
        stack.send(body)


def published(stack: Stack, key: TaskKey) -> list[str]:
    """The messages about the task: its end statuses, ``alarm``, and, where there is an event bus, ``event FAILED``."""
    assert isinstance(stack, (MemoryStack, MotoStack))
    topics = stack.memory.topics if isinstance(stack, MemoryStack) else stack.topics
    statuses = [message["content"]["status"] for message in topics.statuses if message["id"] == str(key)]
    events = stack.memory.event_bus.published if isinstance(stack, MemoryStack) else []
    return [
        *statuses,
        *("alarm" for message in topics.alarms if message["id"] == str(key)),
        *(f"event {event['content']['status']}" for event in events if event["id"] == str(key)),
    ]


def to_be_published(stack: Stack, status: TaskStatus) -> set[str]:
    """What is to be published, as :func:`published` says it, of a task that ended so."""
    with_bus = isinstance(stack, MemoryStack) and stack.memory.settings.event_bus_name
    alarm = {"alarm"} if status is TaskStatus.FAILED else set()
    return {str(status), *alarm, *({f"event {status}"} if with_bus else ())}


def dead_letters(stack: Stack) -> list[tuple[str, str]]:
    """Body and reason of each dead letter."""
    if isinstance(stack, MotoStack):
        return stack.dead_letters()
    assert isinstance(stack, MemoryStack)
    return stack.memory.queue.dead_letters


def lose_record(stack: Stack) -> None:
    """Let the oldest stream record be given up."""
    if isinstance(stack, MemoryStack):
        del stack.memory.table.stream[0]
    elif isinstance(stack, MotoStack):
        del stack.stream.waiting()[0]


def lose_messages(stack: Stack) -> None:
    """Empty the task queue."""
    if isinstance(stack, MemoryStack):
        stack.memory.queue.messages.clear()
    elif isinstance(stack, MotoStack):
        stack.empty_queue()


def stop_execution(stack: Stack, task: TaskEntity) -> None:
    """Stop the task's execution, as in the console."""
    if isinstance(stack, MemoryStack):
        stack.memory.executions.stopped.add(task.execution_arn or "")
    elif isinstance(stack, MotoStack):
        stack.stop_execution(task.execution_arn or "")


def sweep_until_ended(stack: Stack, key: TaskKey) -> TaskEntity:
    """Hours with a sweeper in every fifth minute."""
    for _ in range(100):
        while stack.step():
            pass
        task = stack.task(key)
        if task.status.terminal:
            return task
        stack.clock.advance(300)
        stack.sweep()
    raise AssertionError(f"the task is still {stack.task(key).status}")


def lose_objects(stack: Stack) -> None:
    """Empty the bucket."""
    if isinstance(stack, MemoryStack):
        stack.memory.payloads.objects.clear()
    elif isinstance(stack, MotoStack):
        stack.empty_bucket()
