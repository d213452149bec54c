"""For tests: handlers, task types and the whole stack in memory. No AWS, no network, no clock but the test's own."""

from serverless_tasks.testing.calls import call_finished, call_sub_task, call_task
from serverless_tasks.testing.cloud import MemoryCloud
from serverless_tasks.testing.killed import WorkerKilled
from serverless_tasks.testing.registries import registered
from serverless_tasks.testing.runs import EndedTask, run_step_function_task, run_task
from serverless_tasks.testing.stack import MemoryStack, VirtualClock
from serverless_tasks.workers.user_code.routing import HandlerRouter

__all__ = [
    "EndedTask",
    "HandlerRouter",
    "MemoryCloud",
    "MemoryStack",
    "VirtualClock",
    "WorkerKilled",
    "call_finished",
    "call_sub_task",
    "call_task",
    "registered",
    "run_step_function_task",
    "run_task",
]
