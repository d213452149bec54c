"""Calls user code: plain handlers, ``async def`` handlers to their end, and several of them in a row."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from serverless_tasks.classic.event_handlers import EventHandler
from serverless_tasks.core.errors import PermanentError
from serverless_tasks.core.task_types.context import TaskContext
from serverless_tasks.core.task_types.events import Event
from serverless_tasks.workers.user_code.deadline import Unwinding

Pairs = Sequence[tuple[EventHandler, Event]]
"""Handlers, each with its event."""


def call(pairs: Pairs, context: TaskContext) -> Any:
    """Run the handlers in order: one result, or the list of all where there are several."""
    return one_or_all([call_handler(handler, event, context) for handler, event in pairs])


def call_handler(handler: Callable[..., Any], *arguments: Any) -> Any:
    """What the handler returns; of an ``async def``, what it comes to in an event loop of its own.

    Raises what the handler raises; of a group of errors, :func:`decisive`.
    """
    try:
        returned = handler(*arguments)
        if not inspect.iscoroutine(returned):
            return returned
        # Here and not above: importing asyncio takes a start milliseconds, and most handlers need none.
        from serverless_tasks.workers.user_code.coroutines import run_coroutine

        return run_coroutine(returned)
    except BaseExceptionGroup as group:
        raise decisive(group) from None


def one_or_all(results: list[Any]) -> Any:
    """One result as it is, several as a list."""
    return results[0] if len(results) == 1 else results


def decisive(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a group of errors, as ``asyncio.TaskGroup`` raises it, means for the attempt.

    What is :class:`Unwinding` (a deadline, the hand-over at a checkpoint) decides before all, then a
    :class:`PermanentError`; else it is the group.
    """
    errors = list(_single(group))
    ends = (error for error in errors if isinstance(error, Unwinding))
    permanent = (error for error in errors if isinstance(error, PermanentError))
    return next(chain(ends, permanent), group)


def _single(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from _single(inner)
