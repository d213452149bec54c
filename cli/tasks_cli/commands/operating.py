"""Commands for operators of a stack. They ask AWS itself, not the stack's API."""

from typing import Annotated, Any

import typer

from tasks_cli import dead_letters as letters
from tasks_cli import local_stack, output
from tasks_cli.command import Run, command
from tasks_cli.dead_letters import DeadLetter, Queues
from tasks_cli.errors import BadInput, Exit
from tasks_cli.options import RegionOption
from tasks_cli.where import Here, place

SHOWN = 1000
"""Characters of a message's body."""


def dead_letters(
    run: Run,
    back: Annotated[bool, typer.Option("--send-back", help="Send every one back to the task queue.")] = False,
    region: RegionOption = None,
) -> int | None:
    """Show dead letters and their reasons, with your AWS credentials or in the local cloud."""
    queues = queues_of(run, region)
    refused, items = 0, []
    for letter in letters.dead_letters(queues):
        problem = letters.refusal(queues, letter) if back else None
        refused += problem is not None
        items.append(_item(letter, back, problem))
        if not run.json:
            _print(run, letter, problem)
    if run.json:
        output.print_json({"items": items})
    else:
        sent = f", {len(items) - refused} sent back" if back and items else ""
        run.out.print(f"{len(items)} dead letters{sent}")
    return Exit.ENDED_BADLY if refused else None


def queues_of(run: Run, region: str | None) -> Queues:
    """The queues of the stack that the options name."""
    if run.stack and run.stack != local_stack.NAME:
        return letters.queues_on_aws(run.stack, region)
    where = place(run.stack, run.profile, None)
    if isinstance(where, Here):
        return letters.queues_here(local_stack.read(where.path))
    if not where.profile.stack_name:
        raise BadInput(f"profile {where.name} does not say which stack it is of: name it with --stack")
    return letters.queues_on_aws(where.profile.stack_name, region or where.profile.region)


def _item(letter: DeadLetter, back: bool, problem: str | None) -> dict[str, Any]:
    item = {"reason": letter.reason, "body": letter.body, "messageGroupId": letter.group}
    return item | ({"sentBack": problem is None} if back else {})


def _print(run: Run, letter: DeadLetter, problem: str | None) -> None:
    run.out.print(output.text(f"{letter.reason}\n    {letter.body[:SHOWN]}"), soft_wrap=True)
    if problem:
        run.say(f"    not sent back: {problem}")


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    command(app, "dead-letters")(dead_letters)
