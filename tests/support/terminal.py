"""`tasks` as a person runs it: a process of its own, on a terminal or with pipes."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.paths import ROOT

COMMAND = (sys.executable, "-m", "tasks_cli")
SECONDS = 120
"""How long a command may take."""
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with the command line in reach, and without what would lead it elsewhere."""
    foreign = ("AWS_", "TASKS_", "COLUMNS", "NO_COLOR", "FORCE_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "PYTHONPATH": str(ROOT / "cli"), "TERM": "xterm-256color", **more}


def piped(directory: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run it with pipes."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environment(**more),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
    )


class Terminal:
    """A terminal with a command on it."""

    def __init__(self, process: subprocess.Popen[bytes], there: int) -> None:
        self._process, self._there = process, there
        self.raw = ""

    @property
    def seen(self) -> str:
        """All that was ever on it, without what steers it."""
        return _STEERING.sub("", self.raw)

    def until(self, text: str) -> None:
        """Wait for this to be seen."""
        while text not in self.seen:
            assert self._read(), f"ended, or took too long, without {text!r}: {self.seen!r}"

    def type(self, text: str) -> None:
        """Type it."""
        os.write(self._there, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Wait for its end; return the exit code."""
        while self._read():
            pass
        return self._process.wait(SECONDS)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._there], [], [], SECONDS)
        if not ready:
            return False
        try:
            block = os.read(self._there, 65_536)
        except OSError:  # what Linux says when nobody has the other end open any more
            return False
        self.raw += block.decode(errors="replace")
        return bool(block)


def _heed_interrupts() -> None:
    """A shell lets what it runs in the background ignore Ctrl-C, and so do that one's own commands."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def terminal(
    directory: Path, *arguments: str, columns: int = 80, more: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Run it on a terminal, and nothing of it is left afterwards."""
    there, here = pty.openpty()
    fcntl.ioctl(here, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environment(**(more or {})),
        stdin=here,
        stdout=here,
        stderr=here,
        start_new_session=True,
        preexec_fn=_heed_interrupts,
    )
    os.close(here)
    try:
        yield Terminal(process, there)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(there)
