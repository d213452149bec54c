"""`tasks`: all commands."""

import sys
from typing import Annotated

import typer

from tasks_cli import local_stack, output
from tasks_cli.command import unwritten
from tasks_cli.commands import changing, creating, looking, operating, results, signing
from tasks_cli.errors import Exit
from tasks_cli.version import version

app = typer.Typer(
    name="tasks",
    help="Create, watch and control the tasks of a stack of Serverless Tasks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tasks {version()}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


for group in (creating, looking, results, changing, operating, signing):
    group.add_to(app)


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    output.prepare()
    if problem := local_stack.copied():
        output.complain(problem)
        sys.exit(Exit.BAD_INPUT)
    try:
        try:
            app(prog_name="tasks")
        finally:
            sys.stdout.flush()
    except OSError as error:  # of help and completion: commands see to their own
        sys.exit(unwritten(error))
