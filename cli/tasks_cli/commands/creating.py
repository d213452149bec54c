"""Commands that create tasks."""

from pathlib import Path
from typing import Annotated

import typer

from tasks_cli import inputs, output, uploads
from tasks_cli.api import Ref
from tasks_cli.command import Run, command
from tasks_cli.commands import ending
from tasks_cli.completion import task_types
from tasks_cli.options import NameOption, TypeArgument


def create(
    run: Run,
    task_type: TypeArgument,
    given: Annotated[
        str | None,
        typer.Option("--input", metavar="JSON", help="JSON, @FILE, or - for standard input. By default null."),
    ] = None,
    name: NameOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end; the exit code tells it.")] = False,
) -> int | None:
    """Create a single task."""
    task = run.api.create_task(task_type, name, inputs.read(given))
    if wait:
        return ending.watch(run, task, whole=True)
    if run.json:
        output.print_json(task)
    else:
        run.out.print(output.text(Ref.of(task)), soft_wrap=True)
    return None


def fan_out(
    run: Run,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON Lines (.jsonl, .ndjson) or CSV (.csv), up to 5 GB.")
    ],
    task_type: Annotated[str, typer.Option("--type", metavar="TYPE", help="The task type.", autocompletion=task_types)],
    name: NameOption = None,
    watch: Annotated[bool, typer.Option(help="Watch it to its end; the exit code tells it.")] = True,
) -> int | None:
    """Upload a file, and create a Step Functions task with a sub-task for each line of it."""
    written = inputs.format_of(file)
    upload = run.api.create_upload(written)
    uploads.put(run.api.transport, upload, file, run.err)
    task = run.api.create_fan_out(task_type, name, upload["inputRef"])
    if watch:
        return ending.watch(run, task)
    if run.json:
        output.print_json(task)
    else:
        run.out.print(output.text(Ref.of(task)), soft_wrap=True)
    return None


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    command(app, "create")(create)
    command(app, "fan-out")(fan_out)
