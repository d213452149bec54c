"""Copies the log of every function into a file of its own while the local cloud runs."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local import deployment
from local.isolation import Clients

SECONDS = 1.0
"""Between two looks."""
_OVERLAP_MS = 1_000
"""How far a look goes back: lines of concurrent calls do not arrive in the order of their times."""
_PAGE = 10_000
"""The most lines of one look, oldest first; the engine has no token for the rest."""

Line = tuple[str, int, str]
"""Stream, time and text. The engine gives lines no id, so these three and their count stand in for one."""


class LogFollower:
    """A thread that writes `logs/<Function>.log`."""

    def __init__(self, clients: Clients, stack_name: str, directory: Path) -> None:
        self._clients = clients
        self._stack_name = stack_name
        self._directory = directory
        self._since: dict[str, int] = {}
        self._seen: dict[str, Counter[Line]] = {}
        self._groups: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="logs")

    def start(self) -> None:
        """Begin to follow, in empty files."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for old in self._directory.glob("*.log"):
            old.unlink()
        self._thread.start()

    def stop(self) -> None:
        """Copy the rest and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SECONDS):
            self._copy()
        self._copy()

    def _copy(self) -> None:
        # The engine may be busy, deploying or just gone: the next look catches up.
        with contextlib.suppress(ClientError, BotoCoreError):
            for name, (kind, function) in deployment.resources(self._clients, self._stack_name).items():
                if kind == "AWS::Lambda::Function":
                    self._copy_function(name, function)

    def _copy_function(self, name: str, function: str) -> None:
        logs = self._clients("logs")
        since = self._since.get(name, 0)
        try:
            events = logs.filter_log_events(logGroupName=self._group(function), startTime=since)["events"]
        except logs.exceptions.ResourceNotFoundException:  # not called yet
            return
        lines = [(event["logStreamName"], event["timestamp"], event["message"]) for event in events]
        fresh = unseen(lines, self._seen.get(name, Counter()))
        if fresh:
            with (self._directory / f"{name}.log").open("a", encoding="utf-8") as file:
                for _, at, message in fresh:
                    file.write(f"{time.strftime('%H:%M:%S', time.localtime(at / 1000))} {message.rstrip()}\n")
        self._since[name] = next_look(lines, since)
        self._seen[name] = Counter(line for line in lines if line[1] >= self._since[name])

    def _group(self, function: str) -> str:
        if function not in self._groups:
            self._groups[function] = deployment.log_group(self._clients, function)
        return self._groups[function]


def unseen(lines: Sequence[Line], seen: Counter[Line]) -> list[Line]:
    """Return the lines that occur more often than they were seen, in their order."""
    left = seen.copy()
    fresh = []
    for line in lines:
        if left[line] > 0:
            left[line] -= 1
        else:
            fresh.append(line)
    return fresh


def next_look(lines: Sequence[Line], since: int, page: int = _PAGE) -> int:
    """Return the start of the next look: a little back, or straight on after a full page."""
    if not lines:
        return since
    newest = lines[-1][1]
    if len(lines) < page:
        return max(newest - _OVERLAP_MS, since)
    # A call wrote more than a page within a millisecond: the rest cannot be read.
    return newest if newest > since else since + 1
