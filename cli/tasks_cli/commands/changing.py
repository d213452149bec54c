"""Commands that change tasks."""

from typing import Annotated

import typer

from tasks_cli import output
from tasks_cli.api import Json, Ref
from tasks_cli.command import Run, command
from tasks_cli.commands import ending
from tasks_cli.options import CodeArgument, TaskArgument, ref


def cancel(run: Run, task: TaskArgument, code: CodeArgument = None) -> None:
    """Stop a task that has not ended."""
    _print(run, run.api.cancel(ref(task, code)))


def retry(
    run: Run,
    task: TaskArgument,
    code: CodeArgument = None,
    watch: Annotated[bool, typer.Option("--watch", help="Watch it to its end; the exit code tells it.")] = False,
) -> int | None:
    """Run a failed or cancelled task again; of a Step Functions task only the sub-tasks that did not complete."""
    begun = run.api.retry(ref(task, code))
    if watch:
        return ending.watch(run, begun)
    _print(run, begun)
    return None


def _print(run: Run, task: Json) -> None:
    if run.json:
        output.print_json(task)
    else:
        run.out.print(output.text(Ref.of(task)), output.status(task["status"]), soft_wrap=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    command(app, "cancel")(cancel)
    command(app, "retry")(retry)
