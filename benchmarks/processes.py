"""Memory and processor time of a process and its descendants, from /proc; no package needed."""

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc")
SECONDS = 0.25
MEGABYTE = 1024
_RESET_PEAK = "5"
"""Written to ``clear_refs``, it makes the kernel forget a peak (proc_pid_clear_refs(5))."""


def available() -> bool:
    """Whether this system has such files."""
    return (PROC / "self" / "status").exists()


def descendants(root: int) -> set[int]:
    """Ids of the process and its descendants."""
    parents = dict(_parents())
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for entry in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            yield int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])


def peak_megabytes(pid: int) -> float:
    """The peak of the process's resident memory. Raises ``OSError`` when it is gone."""
    match = re.search(r"^VmHWM:\s+(\d+) kB", (PROC / str(pid) / "status").read_text(), re.MULTILINE)
    return int(match[1]) / MEGABYTE if match else 0.0


def forget_peak(pid: int) -> None:
    """Begin to look for the peak anew."""
    with contextlib.suppress(OSError):
        (PROC / str(pid) / "clear_refs").write_text(_RESET_PEAK)


def lambda_name(pid: int) -> str | None:
    """The function that the process runs, by its environment."""
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    match = re.search(rb"(?:^|\0)AWS_LAMBDA_FUNCTION_NAME=([^\0]+)", environment)
    return match[1].decode() if match else None


def processor_seconds(pid: int) -> float:
    """The process's processor time so far. Raises ``OSError`` when it is gone."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Use:
    """Use of processes by label: the highest peak of memory, and the sum of their processor time."""

    def __init__(self) -> None:
        self.megabytes: dict[str, float] = {}
        self._labels: dict[int, str] = {}
        self._before: dict[int, float] = {}
        self._seconds: dict[int, float] = {}

    @property
    def processor_seconds(self) -> dict[str, float]:
        """Since the first look."""
        sums: dict[str, float] = {}
        for pid, label in self._labels.items():
            sums[label] = sums.get(label, 0.0) + self._seconds[pid] - self._before[pid]
        return sums

    def look(self, root: int) -> None:
        """Look at every descendant of ``root`` once."""
        first = not self._labels
        for pid in descendants(root):
            with contextlib.suppress(OSError):
                self._look_at(pid, "server" if pid == root else lambda_name(pid) or "engine", first=first)

    def _look_at(self, pid: int, label: str, *, first: bool) -> None:
        seconds = processor_seconds(pid)
        if pid not in self._labels:
            forget_peak(pid)
            self._labels[pid] = label
            self._before[pid] = seconds if first else 0.0
        self._seconds[pid] = seconds
        self.megabytes[label] = max(self.megabytes.get(label, 0.0), peak_megabytes(pid))


@contextmanager
def watched(root: int) -> Iterator[Use]:
    """Look now and then while the block runs, and once at its end."""
    use, over = Use(), threading.Event()

    def watch() -> None:
        while not over.wait(SECONDS):
            use.look(root)

    use.look(root)
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield use
    finally:
        over.set()
        thread.join()
        use.look(root)
