"""A task on one page, and its end on one line."""

import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from tasks_cli import tables
from tasks_cli.api import Ref
from tasks_cli.output import plain, status, text

Json = dict[str, Any]

LINES = 20
"""Of an input or a result, before the rest is left to `--json`."""
COUNTS = (
    ("succeeded", "subTaskSucceedCount"),
    ("failed", "subTaskFailedCount"),
    ("running", "subTaskRunningCount"),
)


def task(console: Console, found: Json) -> None:
    """All facts, input, result and history of a task."""
    attributes = found["attributes"]
    facts = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    facts.add_row("Task", text(Ref.of(found)))
    facts.add_row("Name", text(found["name"]))
    facts.add_row("Kind", text(found["kind"]))
    facts.add_row("Status", tables.status_of(found, datetime.now(UTC)))
    if found["kind"] == "TASK":  # of a fan-out, sub-tasks have attempts
        facts.add_row("Attempt", text(found["attempt"]))
    facts.add_row("Run", text(f"{found['run']}, counted from 0"))
    if "subTaskCount" in attributes:
        facts.add_row("Sub-tasks", text(counts(found)))
    elif "progress" in attributes:
        facts.add_row("Progress", text(tables.done(found)))
    if "nextAttemptAt" in found and found["status"] == "ERRORED":
        facts.add_row("Next try", text(found["nextAttemptAt"]))
    if tables.cost(found):
        facts.add_row("Cost", text(f"about {tables.cost(found)}"))
    if "error" in attributes:
        facts.add_row("Error", text(tables.came_of(found), "red"))
    console.print(facts)
    _payload(console, "Input", found, "input")
    _payload(console, "Result", attributes, "result")
    history(console, found)


def history(console: Console, found: Json) -> None:
    """The changes of status."""
    made = tables.table("STATUS", "AT", "ATTEMPT", "BY", "REASON", right=("ATTEMPT",), fold="REASON")
    for entry in found.get("history", []):
        said = (entry["at"], entry["attempt"], entry.get("by", ""), _reason(entry))
        made.add_row(status(entry["status"]), *map(text, said))
    console.print()
    console.print(made)


def _reason(entry: Json) -> str:
    """Why the status changed. Of an attempt that begins it tells how the one before was lost."""
    reason: str = entry.get("reason", "")
    return f"the attempt before: {reason}" if reason and entry["status"] == "PROCESSING" else reason


def counts(found: Json) -> str:
    """Sub-tasks by outcome: succeeded, failed, running, waiting."""
    attributes = found["attributes"]
    total = attributes.get("subTaskCount", 0)
    parts = [(name, attributes.get(key, 0)) for name, key in COUNTS]
    parts.append(("waiting", max(total - sum(number for _, number in parts), 0)))
    listed = ", ".join(f"{number:,} {name}" for name, number in parts if number or name == "succeeded")
    return f"{listed} of {total:,}"


def ended(console: Console, found: Json) -> None:
    """One line on a completed task, and its result if that is small."""
    said = f" {counts(found)}" if found["kind"] == "SFN_TASK" else ""
    console.print(status(found["status"]), text(f"{Ref.of(found)}{said}"), soft_wrap=True)
    _payload(console, "Result", found["attributes"], "result")


def _payload(console: Console, title: str, holder: Json, name: str) -> None:
    if f"{name}Url" in holder:
        console.print(f"\n[bold]{title}[/bold] is large: `--json` has a link to it")
    elif holder.get(name) is not None:
        lines = json.dumps(holder[name], indent=2, ensure_ascii=False).splitlines()
        console.print(f"\n[bold]{title}[/bold]")
        console.print(text("\n".join(map(plain, lines[:LINES]))), soft_wrap=True)
        if len(lines) > LINES:
            console.print(f"… and {len(lines) - LINES:,} lines more: `--json` has all of it")
