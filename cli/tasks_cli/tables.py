"""Tables for people."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks_cli.api import Ref
from tasks_cli.output import compact, plain, status, text

Json = dict[str, Any]

ROOM = {"NAME": 100, "ATTEMPT": 84, "COST": 92, "KIND": 110}
"""Width from which on a terminal shows this column, too."""
BESIDE = 43
"""Width of the other columns beside a sub-task's result."""


def table(*columns: str, right: Iterable[str] = (), fold: str = "") -> Table:
    """A table without lines, easy to cut apart. One column may be folded to fit; the others are never cut."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in right else "left"
        made.add_column(column, justify=justify, no_wrap=column != fold, overflow="fold")
    return made


def tasks(console: Console, items: Iterable[Json], now: datetime) -> None:
    """Tasks of a list, a line each; a narrow terminal gets fewer columns."""
    cells = {
        "TASK": lambda task: text(Ref.of(task)),
        "STATUS": lambda task: status_of(task, now),
        "DONE": lambda task: text(done(task)),
        "AGE": lambda task: text(age(task["createdAt"], now)),
        "ATTEMPT": lambda task: text(task["attempt"] if task["kind"] == "TASK" else ""),
        "COST": lambda task: text(cost(task)),
        "KIND": lambda task: text(task["kind"]),
        "NAME": lambda task: text(task["name"]),
    }
    shown = [column for column in cells if console.width >= ROOM.get(column, 0)]
    made = table(*shown, right=("DONE", "AGE", "ATTEMPT", "COST"), fold="TASK")
    for task in items:
        made.add_row(*[cells[column](task) for column in shown])
    console.print(made)


def sub_tasks(console: Console, items: Iterable[Json]) -> None:
    """Sub-tasks, a line each."""
    last = "RESULT OR ERROR"
    made = table("INDEX", "STATUS", "ATTEMPT", "TOOK", last, right=("INDEX", "ATTEMPT", "TOOK"), fold=last)
    for item in items:
        came = text(came_of(item))
        came.truncate(max(console.width - BESIDE, len(last)), overflow="ellipsis")
        made.add_row(text(item["index"]), status(item["status"]), text(item["attempt"]), text(took(item)), came)
    console.print(made)


def came_of(item: Json) -> str:
    """Result, link or error of a task or sub-task, on one line."""
    attributes = item["attributes"]
    if error := attributes.get("error"):
        return one_line(f"{error['type']}: {error['message']}")
    if "resultUrl" in attributes:
        return "(large: --json has a link)"
    return compact(attributes["result"]) if "result" in attributes else ""


def one_line(value: str) -> str:
    """The text without its line ends."""
    return " ".join(plain(value).split())


def done(task: Json) -> str:
    """How far a task is, in percent."""
    progress = task["attributes"].get("progress")
    return "" if progress is None else f"{int(progress * 100)}%"


def status_of(task: Json, now: datetime) -> Text:
    """The status, and for how long its worker has given no sign of life."""
    silent = silence(task, now)
    return Text.assemble(status(task["status"]), text(f" ({silent})" if silent else "", "red"))


def silence(task: Json, now: datetime) -> str:
    """``no sign of life for 2 min`` where the lease of a worker is over. Looks of the sweeper are none."""
    if task["status"] != "PROCESSING" or "leaseUntil" not in task or instant(task["leaseUntil"]) >= now:
        return ""
    since = age(min(task["leaseUntil"], task["updatedAt"]), now)
    return f"no sign of life for {since[:-1]} {'min' if since[-1] == 'm' else since[-1]}"


def cost(task: Json) -> str:
    """The estimated cost of a task."""
    usage = task.get("usage")
    return f"${usage['estimatedUsd']:.6f}" if usage else ""


def instant(time: str) -> datetime:
    """A time of the API."""
    return datetime.fromisoformat(time).astimezone(UTC)


def age(time: str, now: datetime) -> str:
    """The time span since then."""
    return span((now - instant(time)).total_seconds())


def took(item: Json) -> str:
    """How long a sub-task's last attempt ran."""
    if "startedAt" not in item or "finishedAt" not in item:
        return ""
    return span((instant(item["finishedAt"]) - instant(item["startedAt"])).total_seconds())


def span(seconds: float) -> str:
    """A time span in its largest fitting unit; clocks differ, so none is below zero."""
    seconds = max(seconds, 0)
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:.3f}s" if seconds < 1 else f"{seconds:.0f}s"


def task_types(console: Console, items: Iterable[Json]) -> None:
    """The deployment's task types, a line each."""
    made = table("TYPE", "KINDS", "DESCRIPTION", fold="DESCRIPTION")
    for item in items:
        made.add_row(
            text(item["taskType"]), text(", ".join(item["kinds"])), text(one_line(item.get("description", "")))
        )
    console.print(made)
