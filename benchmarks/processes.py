"""Memory of a process and its descendants, from /proc; no package needed."""

import contextlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc")
SECONDS = 0.25
MEGABYTE = 1024
_RESET_PEAK = "5"
"""What makes the kernel forget a peak when it is written to ``clear_refs`` (proc_pid_clear_refs(5))."""


def available() -> bool:
    """Whether this system has what is read here."""
    return (PROC / "self" / "status").exists()


def descendants(root: int) -> set[int]:
    """Ids of the process and all that it started."""
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
    """The most resident memory that the process had at a time. Raises ``OSError`` when it is gone."""
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


class Peaks:
    """Peaks by label, over all processes that carried it."""

    def __init__(self) -> None:
        self.megabytes: dict[str, float] = {}
        self._seen: set[int] = set()

    def look(self, root: int) -> None:
        """Look at every descendant of ``root`` once."""
        for pid in descendants(root):
            if pid not in self._seen:
                forget_peak(pid)
                self._seen.add(pid)
            label = "server" if pid == root else lambda_name(pid) or "engine"
            with contextlib.suppress(OSError):
                self.megabytes[label] = max(self.megabytes.get(label, 0.0), peak_megabytes(pid))


@contextmanager
def watched(root: int) -> Iterator[Peaks]:
    """Look now and then while the block runs, and once at its end."""
    peaks, over = Peaks(), threading.Event()

    def watch() -> None:
        while not over.wait(SECONDS):
            peaks.look(root)

    peaks.look(root)
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()
        peaks.look(root)
