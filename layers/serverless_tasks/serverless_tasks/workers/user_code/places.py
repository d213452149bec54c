"""Where user code was when its time was up: ``task_types/cat.py:17, in feed``. Imported when a time is up."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from serverless_tasks.core.errors import AttemptTimeout

if TYPE_CHECKING:
    from serverless_tasks.workers.user_code.runner import DeadlineReached

Step = tuple[str, CodeType, int]
"""A step of a stack: module, code, line."""
OURS = {"serverless_tasks", "asyncio", "concurrent", "contextlib", "selectors", "threading"}
"""Packages that stand on a stack between the worker and its handler."""


def timeout_error(text: str, reached: DeadlineReached | None) -> AttemptTimeout:
    """The error of an attempt whose time is up, with the place, and with the traceback for the log."""
    if reached is None:
        return AttemptTimeout(text)
    place = reached.place or _place([*_steps_of_traceback(reached)])
    words = f"{text}; it was at {place}" if place else text
    return AttemptTimeout(words).with_traceback(reached.__traceback__)


def of_coroutine(coroutine: Any) -> str:
    """Where a coroutine waits for something."""
    return _place([*_steps_of_coroutine(coroutine)])


def of_thread(identity: int | None) -> str:
    """Where a thread is."""
    frame = sys._current_frames().get(identity or 0)
    return _place([*_steps_of_frame(frame)][::-1])


def _steps_of_traceback(error: BaseException) -> Iterator[Step]:
    traceback = error.__traceback__
    while traceback:
        yield str(traceback.tb_frame.f_globals.get("__name__")), traceback.tb_frame.f_code, traceback.tb_lineno
        traceback = traceback.tb_next


def _steps_of_frame(frame: FrameType | None) -> Iterator[Step]:
    while frame:
        yield str(frame.f_globals.get("__name__")), frame.f_code, frame.f_lineno
        frame = frame.f_back


def _steps_of_coroutine(coroutine: Any) -> Iterator[Step]:
    while frame := getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None):
        yield str(frame.f_globals.get("__name__")), frame.f_code, frame.f_lineno
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)


def _place(steps: Sequence[Step]) -> str:
    """The innermost step in the handler's own package, which its first step tells; of a library's, its caller here."""
    tops = [module.partition(".")[0] for module, _, _ in steps]
    own = next((top for top in tops if top not in OURS), None)
    found = [step for step, top in zip(steps, tops, strict=True) if top == own]
    if not found:
        return ""
    module, code, line = found[-1]
    parts = code.co_filename.split("/")
    depth = module.count(".") + 1 + (parts[-1] == "__init__.py")
    return f"{'/'.join(parts[-depth:])}:{line}, in {code.co_name}"
