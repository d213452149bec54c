"""`tasks`: all commands."""

from typing import Annotated

import typer

from tasks_cli import output
from tasks_cli.commands import changing, creating, looking, operating, results, signing
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
    output.in_utf8()
    app(prog_name="tasks")
