"""What the engine does to functions' processes and AWS does not, put right in the engine's own process."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any


def install() -> None:
    """Have the engine take any bytes for a log, and let running invocations finish."""
    from ministack.core import lambda_runtime

    lambda_runtime.Worker._read_stderr = lenient(lambda_runtime.Worker._read_stderr)
    lambda_runtime.kill_workers = patient(lambda_runtime.kill_workers)


def lenient(read: Callable[[Any], None]) -> Callable[[Any], None]:
    """A reader of a process's log that goes on after bytes that are no text: the process would wait for it for ever."""

    def read_any(worker: Any) -> None:
        worker._proc.stderr.reconfigure(errors="backslashreplace")
        read(worker)

    return read_any


def patient(kill: Callable[[Sequence[Any]], None]) -> Callable[[Sequence[Any]], None]:
    """An end of processes, as after a deployment, that waits for the invocation of each that has one."""

    def kill_idle(workers: Sequence[Any]) -> None:
        busy = [worker for worker in workers if worker and worker.in_use]
        kill([worker for worker in workers if worker not in busy])
        for worker in busy:
            threading.Thread(target=_kill_afterwards, args=(kill, worker), daemon=True).start()

    return kill_idle


def _kill_afterwards(kill: Callable[[Sequence[Any]], None], worker: Any) -> None:
    while worker.in_use and worker._proc is not None and worker._proc.poll() is None:
        with worker._lock:  # held while an invocation runs
            pass
        time.sleep(0.05)
    kill([worker])
