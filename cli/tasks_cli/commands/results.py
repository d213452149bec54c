"""The command that gets all results of a task, as JSON Lines."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tasks_cli import atomic, output
from tasks_cli.api import Ref
from tasks_cli.command import Run, command
from tasks_cli.downloads import Links, Write, download
from tasks_cli.errors import BadInput
from tasks_cli.options import CodeArgument, TaskArgument, ref

Json = dict[str, Any]


def results(
    run: Run,
    task: TaskArgument,
    code: CodeArgument = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Into this file, once all are there. By default to standard output."
        ),
    ] = None,
) -> None:
    """Get all results of a task that has ended: JSON Lines, in the order of its input."""
    where = ref(task, code)
    if run.json:
        if to:
            raise BadInput("--json: prints the links to the results, and goes without --output")
        output.print_json(run.api.results(where))
        return
    if to is None:
        write = sys.stdout.buffer.write
        _write(run, where, output.for_terminal(write) if sys.stdout.isatty() else write)
        return
    try:
        with atomic.replacing(to, atomic.ORDINARY) as file:
            lines = _write(run, where, file.write)
    except OSError as error:
        raise BadInput(f"--output {to}: {error.strerror}") from error
    run.say(f"{lines:,} lines in {to}")


def _write(run: Run, where: Ref, write: Write) -> int:
    """Write all results; return how many lines that are."""
    task = run.api.task(where)
    if task["kind"] == "TASK":
        return _of_single_task(run, where, task, write)
    lines, listed = download(run.api.transport, lambda: _links(run, where), write)
    total = task["attributes"].get("subTaskCount", listed)
    if listed < total:
        run.say(f"{total - listed:,} of {total:,} sub-tasks have no line: they were never begun.")
    return lines


def _of_single_task(run: Run, where: Ref, task: Json, write: Write) -> int:
    attributes = task["attributes"]
    if "resultUrl" in attributes:
        return download(run.api.transport, lambda: _link(run, where), write)[0]
    if "result" not in attributes:
        raise BadInput(f"{where} is {task['status']}: it has no result")
    write(output.encoded(json.dumps(attributes["result"], ensure_ascii=False)) + b"\n")
    return 1


def _links(run: Run, where: Ref) -> Links:
    links: Links = run.api.results(where)["items"]
    return links


def _link(run: Run, where: Ref) -> Links:
    return [{"url": run.api.task(where)["attributes"]["resultUrl"], "first": 0, "count": 1}]


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    command(app, "results")(results)
