"""A task's progress, live on a terminal and line by line elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from tasks_cli import page, tables
from tasks_cli.api import Ref
from tasks_cli.output import text

STEPS = 10
"""The least lines of a fan-out without a terminal: one for each tenth."""

Json = dict[str, Any]


class View(Protocol):
    """Shows a task as it changes."""

    def __call__(self, task: Json) -> None:
        """Show it as it is now."""


class Rate(ProgressColumn):
    """Sub-tasks that ended per second."""

    def render(self, task: Task) -> Text:
        """The rate, once there is one to tell."""
        return Text(f"{task.speed:,.0f}/s" if task.speed and not task.finished else "")


@contextmanager
def shown(console: Console, first: Json) -> Iterator[View]:
    """The view that fits the console."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    view = _Bar(first)
    with Live(view, console=console, refresh_per_second=8):
        yield view


class _Bar:
    """A bar, and below it the counts or the attempt."""

    def __init__(self, first: Json) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            Rate(),
            TimeElapsedColumn(),
            expand=True,
        )
        self._bar = self._progress.add_task(text(first["type"]).plain, total=None)
        self._task = first

    def __call__(self, task: Json) -> None:
        total, ended = _of(task)
        self._progress.update(self._bar, total=total, completed=ended)
        self._task = task

    def __rich__(self) -> Group:
        shown = tables.status_of(self._task, datetime.now(UTC))  # a silent task changes by the clock alone
        return Group(self._progress, Text.assemble(shown, "  ", text(_doing(self._task))))


class _Lines:
    """A line at each change of status, and at each tenth of the sub-tasks or of the progress."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: tuple[str, int] | None = None

    def __call__(self, task: Json) -> None:
        total, ended = _of(task)
        now = (task["status"], int(STEPS * ended / total) if total else 0)
        if now != self._said:
            self._said = now
            share = f" {ended:.0%}" if total == 1 and 0 < ended < 1 else ""
            self._console.print(text(f"{Ref.of(task)} {task['status']} {_doing(task)}{share}".rstrip()), soft_wrap=True)


def _of(task: Json) -> tuple[float | None, float]:
    """The total, if known, and how much of it is done."""
    attributes = task["attributes"]
    if "subTaskCount" in attributes:
        done = attributes.get("subTaskSucceedCount", 0) + attributes.get("subTaskFailedCount", 0)
        return attributes["subTaskCount"] or None, done
    if task["status"] == "COMPLETED":
        return 1, 1
    return (1, attributes["progress"]) if "progress" in attributes else (None, 0)


def _doing(task: Json) -> str:
    if "subTaskCount" in task["attributes"]:
        return page.counts(task)
    if task["status"] == "ERRORED" and "nextAttemptAt" in task:
        return f"attempt {task['attempt']} failed, the next is at {task['nextAttemptAt']}"
    return f"attempt {task['attempt']}" if task["attempt"] else ""
