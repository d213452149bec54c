"""Runs coroutines of user code. Imported when there is one: asyncio is slow to import."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any

from serverless_tasks.core.task_types.context import TaskContext
from serverless_tasks.workers.user_code.routing import Pairs
from serverless_tasks.workers.user_code.runner import DeadlineReached, decisive, one_or_all


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end, in an event loop of its own that is closed then; tasks that it leaves behind are cancelled."""
    try:
        with asyncio.Runner() as runner:
            return _run(runner, coroutine)
    except asyncio.CancelledError as error:
        raise cancelled_itself(error) from error
    finally:
        if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
            coroutine.close()  # no loop could be made, or time was up: no warning that it was never awaited


def _run(runner: asyncio.Runner, coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        return runner.run(coroutine)
    except DeadlineReached as reached:
        # Now, since its cleaning up comes next: where it waits, it is on no stack.
        from serverless_tasks.workers.user_code.places import of_coroutine

        reached.place = of_coroutine(coroutine)
        raise


async def call_in_loop(pairs: Pairs, context: TaskContext) -> Any:
    """Run ``async def`` handlers in order, in the loop that runs already. Returns and raises what ``call`` does."""
    try:
        return one_or_all([await handler(event, context) for handler, event in pairs])
    except BaseExceptionGroup as group:
        raise decisive(group) from None


def cancelled_itself(error: asyncio.CancelledError) -> RuntimeError:
    """The failure of a handler that waits for something its own code has cancelled: no end of its worker."""
    return RuntimeError(f"the handler's own code cancelled it or what it waited for: {error}".removesuffix(": "))
