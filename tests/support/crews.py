"""Handlers of every kind from one plain function, and one chunk of the stack in memory to run them in."""

import asyncio
from collections.abc import Callable
from typing import Any

from serverless_tasks import TaskContext, TaskKey
from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.task_types.arguments import Event
from serverless_tasks.testing import MemoryStack, WorkerKilled

Body = Callable[[Any, TaskContext], Any]

SECONDS = 20
"""After which a test that waits for what never comes fails."""


def in_thread(body: Body) -> Body:
    """A plain handler."""
    return body


def in_loop(body: Body) -> Body:
    """An ``async def`` handler."""

    async def handler(event: Event, context: TaskContext) -> Any:
        return await asyncio.to_thread(body, event, context)

    return handler


class Called:
    """An ``async`` handler that does not look like one."""

    def __init__(self, body: Body) -> None:
        self._body = body

    async def __call__(self, event: Event, context: TaskContext) -> Any:
        return await asyncio.to_thread(self._body, event, context)


KINDS = (in_thread, in_loop, Called)


def run_chunk(stack: MemoryStack, key: TaskKey, number: int = 0, run: int = 0) -> None:
    """Call the worker of a chunk, by default of the first one."""
    stack.invoke("chunk", {"pk": key.pk, "sk": key.sk, "run": run, "chunk": number})


def die_before_the_count(update: Update) -> None:
    """Kill the worker that is about to count a chunk on its task."""
    if "doneChunks" in update.add_to_set:
        raise WorkerKilled


def sub_tasks(stack: MemoryStack, key: TaskKey) -> list[Any]:
    """Results, or errors, or what else they are."""
    items = stack.service.list_sub_tasks(key, limit=100).items
    return [s.attributes.get("result", s.attributes.get("error", {}).get("type", str(s.status))) for s in items]
