"""Progress, live on a terminal and line by line elsewhere."""

import time
from collections.abc import Sequence
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.status import Status

from demo.api import Json, TaskApi

ENDED = ("COMPLETED", "FAILED", "CANCELLED")
POLL_SECONDS = 0.2


class DemoError(Exception):
    """The demonstration cannot go on; the message is for the user."""


class Phases:
    """Shows the current phase: on a terminal a spinner, which leaves a line with its time, elsewhere just a line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._text, self._start = "", 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, text: str) -> None:
        """End the current phase, begin another one."""
        self.end()
        self._text, self._start = text, time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(escape(text))
            self._status.start()
        else:
            self._console.print(escape(text))

    def end(self) -> None:
        """End the current phase."""
        if self._status:
            self._status.stop()
            self._status = None
            self._console.print(f"{escape(self._text)} [dim]({time.monotonic() - self._start:.1f} s)[/dim]")


def follow(api: TaskApi, tasks: Sequence[Json], console: Console, limit: float) -> list[Json]:
    """Show the progress of tasks until all have ended; return the ended tasks."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
    deadline = time.monotonic() + limit
    with Progress(*columns, console=console, expand=True) as progress:
        bars = [progress.add_task(task["name"], total=None, counts="") for task in tasks]
        now = list(tasks)
        while True:
            for n, bar in enumerate(bars):
                if now[n]["status"] not in ENDED:
                    now[n] = api.get_task(tasks[n])
                    _update(progress, bar, now[n])
            if all(task["status"] in ENDED for task in now):
                return now
            if time.monotonic() > deadline:
                late = ", ".join(f"{task['name']} is {task['status']}" for task in now if task["status"] not in ENDED)
                raise DemoError(f"not done within {limit:g} seconds: {late}")
            time.sleep(POLL_SECONDS)


def _update(progress: Progress, bar: TaskID, task: Json) -> None:
    attributes, ended = task["attributes"], task["status"] in ENDED
    if task["kind"] == "SFN_TASK":
        succeeded, failed = attributes.get("subTaskSucceedCount", 0), attributes.get("subTaskFailedCount", 0)
        total = attributes.get("subTaskCount", 0)
        counts = f"{succeeded:,} succeeded, {failed:,} failed of {total:,}" if total else task["status"]
        progress.update(bar, total=total or None, completed=succeeded + failed, counts=counts)
    else:
        progress.update(bar, total=1, completed=int(ended), counts=task["status"])
