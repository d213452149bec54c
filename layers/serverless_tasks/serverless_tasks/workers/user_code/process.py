"""Keeps what user code does to its process from the framework and from the next task.

A process runs one call after the other, of the framework and of any task type. What a call changes of the process is
put back when it ends: here is what there is to change, each with the way to read it and the way to set it. What a
fork's modules set up when they are imported holds for all calls.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # under signal: it makes no enums, and takes a twentieth of the time
import gc
import logging
import os
import signal
import socket
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from serverless_tasks.adapters.log import logger
from serverless_tasks.workers.user_code.deadlines import SECOND_SIGNAL

_LIVED_BY = {
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGPIPE,
    signal.SIGCHLD,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
}
SIGNALS = sorted(map(int, _LIVED_BY - {SECOND_SIGNAL}))
"""Those that the runtime, Python and subprocesses live by. The two of a deadline are the deadline's."""
STREAMS = ("stdin", "stdout", "stderr")

State = tuple[Callable[[], Any], Callable[[Any], Any]]
"""Reads a value that can be compared, and sets it."""


@contextmanager
def put_back() -> Iterator[None]:
    """Put back what the block changes of the process; in a thread beside others, nothing: they share it meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _descriptors.keep()
    before = [read() for read, _ in STATES]
    try:
        yield
    finally:
        _descriptors.put_back()
        for value, (read, write) in zip(before, STATES, strict=True):
            if read() != value:
                with suppress(OSError, ValueError):  # a folder that is gone, say: it cannot be put back
                    write(value)


@contextmanager
def in_one_process() -> Iterator[None]:
    """End a child that the block forks where it leaves the block: it would go on as a second worker."""
    pid = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != pid:
            _end(sys.exception())


def _end(error: BaseException | None) -> NoReturn:
    """As Python itself ends, but for what belongs to the parent: exit handlers, threads, and the runtime's loop."""
    code = 0 if error is None else 1
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        traceback.print_exception(error)
    for name in STREAMS[1:]:
        with suppress(Exception):
            getattr(sys, name).flush()
    os._exit(code)


class _Descriptors:
    """Descriptors 0 to 2: one that is another file after a call, or closed, is put back."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[int, tuple[int, int]]] = {}

    def keep(self) -> None:
        """Have a copy of each open one: the last call's, unless the runtime has changed it since."""
        for number in range(3):
            found, (copy, known) = _file(number), self._kept.get(number, (-1, None))
            if found is None or found == known:
                continue
            if copy >= 0:
                os.close(copy)
            self._kept[number] = os.dup(number), found

    def put_back(self) -> None:
        """Put back those that are not as they were kept."""
        for number, (copy, known) in self._kept.items():
            if _file(number) != known:
                os.dup2(copy, number)


_descriptors = _Descriptors()


def _file(descriptor: int) -> tuple[int, int] | None:
    """What stands for the open file; None if it is not open."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  # the text, to compare
    except OSError:
        return None


def _set_folder(name: str | None) -> None:
    if name:
        os.chdir(name)


def _environment() -> dict[bytes, bytes]:
    return dict(os.environ._data)  # type: ignore[attr-defined]  # decoded, it would take fifty times as long


def _set_environment(names: dict[bytes, bytes]) -> None:
    for name in os.environb.keys() - names.keys():
        del os.environb[name]
    os.environb.update(names)


def _signals() -> list[Any]:
    return [_signal.getsignal(number) for number in SIGNALS]


def _set_signals(handlers: list[Any]) -> None:
    for number, handler in zip(SIGNALS, handlers, strict=True):
        if handler is not None:  # not Python's own
            signal.signal(number, handler)


def _blocked() -> set[signal.Signals | int]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _set_blocked(numbers: set[signal.Signals | int]) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, numbers)


def _streams() -> list[Any]:
    """Python's standard streams; None for one that is closed."""
    found = [getattr(sys, name) for name in STREAMS]
    return [None if getattr(stream, "closed", True) else stream for stream in found]


def _set_streams(streams: list[Any]) -> None:
    for number, (name, stream) in enumerate(zip(STREAMS, streams, strict=True)):
        if stream is None or not stream.closed:
            setattr(sys, name, stream)
        else:
            mode = "w" if number else "r"
            opened = open(number, mode, 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, opened)
    for handler in _handlers():
        if isinstance(handler, logging.StreamHandler) and getattr(handler.stream, "closed", False):
            handler.stream = sys.stdout  # not by setStream, which flushes the closed one


_loggers = (logging.getLogger(), logging.getLogger(logger.name))
_formatter = logger.registered_formatter


def _logging() -> list[Any]:
    """Of the root and of the framework's logger: what decides whether a line is written, and where."""
    return [
        logging.root.manager.disable,
        *((one.level, one.disabled, one.propagate, list(one.handlers), list(one.filters)) for one in _loggers),
        [(handler.level, handler.formatter, list(handler.filters)) for handler in _handlers()],
    ]


def _set_logging(values: list[Any]) -> None:
    disable, *of_loggers, of_handlers = values
    logging.disable(disable)
    for one, (level, disabled, propagate, handlers, filters) in zip(_loggers, of_loggers, strict=True):
        one.setLevel(level)
        one.disabled, one.propagate, one.handlers[:], one.filters[:] = disabled, propagate, handlers, filters
    for handler, (level, formatter, filters) in zip(_handlers(), of_handlers, strict=True):
        handler.setLevel(level)
        handler.setFormatter(formatter)
        handler.filters[:] = filters


def _handlers() -> list[logging.Handler]:
    return [handler for one in _loggers for handler in one.handlers]


def _log_keys() -> dict[str, Any]:
    return dict(_formatter.get_current_keys())


def _set_log_keys(keys: dict[str, Any]) -> None:
    current = _formatter.get_current_keys()
    current.clear()
    current.update(keys)


def _warnings() -> tuple[Any, Any]:
    return list(warnings.filters), warnings.showwarning


def _set_warnings(values: tuple[Any, Any]) -> None:
    warnings.resetwarnings()  # tells Python's cache that there are others
    warnings.filters[:], warnings.showwarning = values  # type: ignore[index]  # a list


def _locale() -> str | None:
    module = sys.modules.get("locale")  # none can be set without it
    return module.setlocale(module.LC_ALL) if module else None


def _set_locale(name: str | None) -> None:
    import locale

    locale.setlocale(locale.LC_ALL, name or "C")


def _arithmetic() -> Any:
    """A copy of decimal's context, as text to compare: the context itself has no equality."""
    module = sys.modules.get("decimal")
    return _Context(module.getcontext().copy()) if module else None


class _Context:
    def __init__(self, context: Any) -> None:
        self.context = context

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Context) and repr(self.context) == repr(other.context)

    __hash__ = None  # type: ignore[assignment]


def _set_arithmetic(value: _Context | None) -> None:
    import decimal

    decimal.setcontext(value.context if value else decimal.Context())


def _collecting() -> bool:
    return gc.isenabled()


def _set_collecting(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()


STATES: tuple[State, ...] = (
    (_folder, _set_folder),
    (_environment, _set_environment),
    (_signals, _set_signals),
    (_blocked, _set_blocked),
    (_logging, _set_logging),
    (_streams, _set_streams),  # after the handlers, which may write to one that was closed
    (_log_keys, _set_log_keys),
    (_warnings, _set_warnings),
    (_locale, _set_locale),
    (_arithmetic, _set_arithmetic),
    (_collecting, _set_collecting),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.getswitchinterval, sys.setswitchinterval),
    (socket.getdefaulttimeout, socket.setdefaulttimeout),
)
