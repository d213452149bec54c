"""Tasks of the type ``cat`` on a stack in memory, brought to where a test begins."""

from typing import Any

from serverless_tasks import TaskEntity, TaskKey
from serverless_tasks.testing import MemoryStack


def create(stack: MemoryStack, value: Any = 1, task_type: str = "cat") -> TaskKey:
    """A single task."""
    return stack.service.create_task("mbc", task_type, value).key


def create_list(stack: MemoryStack, elements: list[Any]) -> TaskKey:
    """A Step Functions task."""
    return stack.service.create_step_function_task("mbc", "cat", elements).key


def relay_all(stack: MemoryStack) -> None:
    """Pass on every stream record."""
    while stack.relay_one():
        pass


def queued(stack: MemoryStack, value: Any = 1) -> TaskKey:
    """A single task whose message waits on the queue."""
    key = create(stack, value)
    relay_all(stack)
    return key


def started(stack: MemoryStack, elements: list[Any]) -> TaskKey:
    """A Step Functions task whose execution has begun, and nothing of it has run."""
    key = create_list(stack, elements)
    relay_all(stack)
    return key


def planned(stack: MemoryStack, elements: list[Any]) -> TaskKey:
    """A Step Functions task whose chunks are there and have not run."""
    key = started(stack, elements)
    for execution in stack._executions():
        execution.step()
    return key


def history(task: TaskEntity) -> list[str]:
    """The statuses that the task went through."""
    return [entry["status"] for entry in task.history]


def statuses(stack: MemoryStack, key: TaskKey) -> list[str]:
    """The statuses of the sub-tasks, in input order."""
    return [str(sub_task.status) for sub_task in stack.service.list_sub_tasks(key, limit=100).items]
