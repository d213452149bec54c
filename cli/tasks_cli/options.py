"""Options that more than one command has, and their values: the layer's words, without the layer."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from tasks_cli import completion
from tasks_cli.api import Ref
from tasks_cli.errors import BadInput

MOST = 1_000_000_000
"""To list; `--all` has no end."""


class Kind(StrEnum):
    """Kinds of task."""

    TASK = "TASK"
    SFN_TASK = "SFN_TASK"


class Status(StrEnum):
    """Statuses of tasks and sub-tasks."""

    CREATED = "CREATED"
    QUEUED = "QUEUED"
    STARTED = "STARTED"
    PROCESSING = "PROCESSING"
    ERRORED = "ERRORED"
    FINISHED = "FINISHED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


StackOption = Annotated[
    str | None,
    typer.Option("--stack", metavar="NAME", help="`local`, or a stack on AWS by its name.", rich_help_panel="Where"),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        envvar="TASKS_PROFILE",
        help="The profile of a `tasks login`.",
        rich_help_panel="Where",
        autocompletion=completion.profiles,
    ),
]
UserOption = Annotated[
    str | None,
    typer.Option(
        "--user", metavar="NAME", help="A user of the local cloud, by default alice.", rich_help_panel="Where"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The API's answer, for programs.", rich_help_panel="Output")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel="Output")]

TypeArgument = Annotated[
    str, typer.Argument(metavar="TYPE", help="The task type.", autocompletion=completion.task_types)
]
TaskArgument = Annotated[
    str, typer.Argument(metavar="TYPE/CODE", help="The task; TYPE and CODE may also be two arguments.",
                        autocompletion=completion.tasks)
]  # fmt: skip
CodeArgument = Annotated[str | None, typer.Argument(metavar="[CODE]", help="Its code, if not in the first argument.")]
NameOption = Annotated[
    str | None, typer.Option("--name", metavar="TEXT", help="Shown to people, one line. By default the type.")
]
StatusOption = Annotated[Status | None, typer.Option("--status", help="Only this status.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=MOST, help="The most to list.")]
AllOption = Annotated[bool, typer.Option("--all", help="List all of them.")]
RegionOption = Annotated[
    str | None, typer.Option("--region", metavar="NAME", help="AWS region, if your AWS settings do not say.")
]

SHARED: dict[str, tuple[Any, Any]] = {
    "stack": (StackOption, None),
    "profile": (ProfileOption, None),
    "user": (UserOption, None),
    "json": (JsonOption, False),
    "debug": (DebugOption, False),
}
"""Type and default of the options that every command has."""


def ref(task: str, code: str | None) -> Ref:
    """The task that one argument or two name. Raises :class:`BadInput`."""
    task_type, slash, after = task.partition("/")
    if bool(slash) == (code is not None) or not (task_type and (code or after)):
        raise BadInput(
            f"{' '.join(filter(None, (task, code)))}: must be TYPE/CODE, such as cat/01KAFSV4XG4DXWKE1B8G6F0J2T"
        )
    return Ref(task_type, code or after)
