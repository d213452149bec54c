"""Runs coroutines of user code. Imported when there is one: asyncio is slow to import."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from contextlib import closing
from typing import Any

from serverless_tasks.adapters.log import logger
from serverless_tasks.core.task_types.arguments import TaskContext
from serverless_tasks.workers.user_code.routing import Pairs
from serverless_tasks.workers.user_code.runner import DeadlineReached, decisive, one_or_all

_LEFT_BEHIND: set[asyncio.Task[Any]] = set()
"""Coroutines that swallow their cancellation, for as long as the process lives: one that is collected is closed, and
may swallow that, too, and never give control back."""
GRACE_SECONDS = 1.0
"""What a coroutine leaves behind has so long to clean up when it is cancelled."""


def run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it to its end, in an event loop of its own; tasks that it leaves behind are cancelled.

    Unlike ``asyncio.run``, it waits neither for a task that swallows its cancellation nor for a thread of
    ``asyncio.to_thread``: what does not end holds nothing but itself.
    """
    try:
        with closing(asyncio.new_event_loop()) as loop:  # its threads go on by themselves
            try:
                return _run(loop, coroutine)
            finally:
                _cancel_all(loop)
    except asyncio.CancelledError as error:
        raise cancelled_itself(error) from error
    finally:
        if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
            coroutine.close()  # no loop could be made, or time was up: no warning that it was never awaited


def _run(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        return loop.run_until_complete(coroutine)
    except DeadlineReached as reached:
        # Now, since its cleaning up comes next: where it waits, it is on no stack.
        from serverless_tasks.workers.user_code.places import of_coroutine

        reached.place = of_coroutine(coroutine)
        raise


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        _, deaf = loop.run_until_complete(asyncio.wait(left, timeout=GRACE_SECONDS))
        _LEFT_BEHIND.update(deaf)
        for task in deaf:
            logger.warning("a coroutine does not end when it is cancelled, and is left behind: %r", task)
    loop.run_until_complete(loop.shutdown_asyncgens())


async def call_in_loop(pairs: Pairs, context: TaskContext) -> Any:
    """Run ``async def`` handlers in order, in the loop that runs already. Returns and raises what ``call`` does."""
    try:
        return one_or_all([await handler(event, context) for handler, event in pairs])
    except BaseExceptionGroup as group:
        raise decisive(group) from None


def cancelled_itself(error: asyncio.CancelledError) -> RuntimeError:
    """The failure of a handler that waits for something its own code has cancelled: no end of its worker."""
    return RuntimeError(f"the handler's own code cancelled it or what it waited for: {error}".removesuffix(": "))
