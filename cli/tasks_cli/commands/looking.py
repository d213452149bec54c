"""Commands that only look."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer

from tasks_cli import output, page, tables
from tasks_cli.api import PAGE
from tasks_cli.command import Run, command
from tasks_cli.commands import ending
from tasks_cli.completion import task_types
from tasks_cli.errors import NotFound
from tasks_cli.options import AllOption, CodeArgument, Kind, LimitOption, StatusOption, TaskArgument, ref

Json = dict[str, Any]


def list_tasks(
    run: Run,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only tasks of this kind.")] = None,
    task_type: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="Only tasks of this type.", autocompletion=task_types),
    ] = None,
    status: StatusOption = None,
    limit: LimitOption = 20,
    everything: AllOption = False,
) -> None:
    """List tasks, newest first."""
    wanted = None if everything else limit
    found = run.api.tasks(page=_page(wanted), kind=kind, taskType=task_type, status=status)
    items = _limited(run, found, wanted)
    if run.json:
        output.print_items(items)
    else:
        tables.tasks(run.out, items, datetime.now(UTC))


def show(run: Run, task: TaskArgument, code: CodeArgument = None) -> None:
    """Show a task."""
    found = run.api.task(ref(task, code))
    if run.json:
        output.print_json(found)
    else:
        page.task(run.out, found)


def watch(run: Run, task: TaskArgument, code: CodeArgument = None) -> int:
    """Watch a task to its end; the exit code tells it. Ctrl-C stops watching, not the task."""
    return ending.watch(run, run.api.task(ref(task, code)))


def sub_tasks(
    run: Run,
    task: TaskArgument,
    code: CodeArgument = None,
    status: StatusOption = None,
    limit: LimitOption = 20,
    everything: AllOption = False,
) -> None:
    """List the sub-tasks of a Step Functions task, in the order of its input."""
    wanted = None if everything else limit
    items = _limited(run, run.api.sub_tasks(ref(task, code), status, page=_page(wanted)), wanted)
    if run.json:
        output.print_items(items)
    else:
        tables.sub_tasks(run.out, items)


def types(run: Run) -> None:
    """List the task types that the deployment knows."""
    try:
        found = run.api.task_types()
    except NotFound:
        raise NotFound("this deployment does not list its task types; deploy a newer version of the stack") from None
    if run.json:
        output.print_json(found)
        return
    tables.task_types(run.out, found["items"])
    if not found.get("complete", True):
        run.say("There may be more types than these.")


def _page(wanted: int | None) -> int:
    """How many to ask for at once: one more than wanted tells whether there are more."""
    return PAGE if wanted is None else wanted + 1


def _limited(run: Run, items: Iterator[Json], limit: int | None) -> Iterator[Json]:
    yield from islice(items, limit)
    if limit is not None and next(items, None) is not None:
        run.say("There are more: --all, or a higher --limit, shows them.")


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    command(app, "list")(list_tasks)
    command(app, "show")(show)
    command(app, "watch")(watch)
    command(app, "sub-tasks")(sub_tasks)
    command(app, "task-types")(types)
