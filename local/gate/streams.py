"""Gives a function's process standard streams of its own, as on AWS: the engine talks over descriptors 0 and 1.

User code, and every process that it starts, would read the engine's messages and answer them. So the protocol moves to
private descriptors, which no other program inherits. Descriptor 0 is empty then, and 1 leads to the log, as 2 does.
"""

import io
import os
import sys
from typing import Any

SCRIPT = "_worker.py"
"""The engine's program in a function's process."""


def make_private() -> None:
    """Move the protocol, in a process that the engine has started; another one is user code's, and stays as it is."""
    if [os.path.basename(argument) for argument in sys.orig_argv[1:]] != [SCRIPT]:  # noqa: PTH119
        return
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    empty = os.open(os.devnull, os.O_RDWR)
    os.dup2(empty, 0)
    os.dup2(2, 1)
    # A child that user code forks can neither read a message nor answer one.
    os.register_at_fork(
        after_in_child=lambda: [os.dup2(empty, private.fileno(), inheritable=False) for private in (requests, answers)]
    )
    sys.stdin = _Input(requests, vars(sys.modules["__main__"]))
    sys.stdout = answers  # the engine's script keeps it, and prints to sys.stderr from then on
    sys.stderr = _Log(os.fdopen(2, "wb", buffering=0, closefd=False))


class _Input(io.TextIOWrapper):
    """Standard input: empty, but for the engine's script, whose messages it reads."""

    def __init__(self, requests: io.TextIOBase, script: dict[str, Any]) -> None:
        super().__init__(os.fdopen(0, "rb", closefd=False))
        self._requests = requests
        self._script = script

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # of text
        if sys._getframe(1).f_globals is self._script:
            return self._requests.readline()
        return super().readline(size)

    def close(self) -> None:
        """Stay open, for the script."""


class _Log(io.TextIOWrapper):
    """Where the process logs. Its plain lines say which task printed them; those of the logger do so themselves."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
        self._begins = True

    def write(self, text: str, /) -> int:
        lines = text.splitlines(keepends=True)
        super().write("".join(self._marked(line) for line in lines))
        return len(text)

    def _marked(self, line: str) -> str:
        begins, self._begins = self._begins, line.endswith("\n")
        return f"{_task()}{line}" if begins and line.strip() and not line.startswith("{") else line


def _task() -> str:
    """``cat/01J…: `` while a handler runs, as the logger of the layer knows; else nothing."""
    log = sys.modules.get("serverless_tasks.adapters.log")
    keys = log.logger.get_current_keys() if log else {}
    if "taskId" not in keys:
        return ""
    code = keys["taskId"].rpartition("#")[2]
    return f"{keys['taskType']}/{code}: "
