"""docs/command-line.md says what the commands themselves say."""

import pytest
import typer
from tasks_cli.errors import Exit
from tasks_cli.main import app
from tasks_cli.options import SHARED

from tests.support.pages import names, rows

PAGE = "command-line.md"
COMMANDS = typer.main.get_command(app).commands
SECTIONS = {
    "create": "Create",
    "fan-out": "Fan out",
    "list": "List",
    "sub-tasks": "Sub-tasks",
    "results": "Results",
    "retry": "Retry",
    "dead-letters": "Dead letters",
    "login": "Sign in",
}
"""Where the options of a command are."""


def said(options):
    """Options as a page has them: the long name and its value, other names, and the help."""
    values = {"--kind": "KIND", "--status": "STATUS", "--limit": "N"}
    listed = []
    for option in options:
        first, *others = [*sorted(option.opts, key=len, reverse=True), *option.secondary_opts]
        value = values.get(first, option.metavar)
        shown = [f"{first} {value}" if value else first, *others]
        listed.append([", ".join(f"`{name}`" for name in shown), option.help])
    return listed


def own_options(command):
    return [p for p in command.params if p.param_type_name == "option" and p.name not in SHARED and p.name != "help"]


def test_each_command_is_there_with_its_own_words():
    listed = rows(PAGE, "Commands")
    assert [name.split()[1] for name in names(listed)] == list(COMMANDS)
    assert [row[1] for row in listed] == [" ".join(command.help.split()) for command in COMMANDS.values()]


def test_what_a_command_is_given_first_is_there():
    for name, usage in zip(COMMANDS, names(rows(PAGE, "Commands")), strict=True):
        first = [p.metavar for p in COMMANDS[name].params if p.param_type_name == "argument"][:1]
        assert usage == " ".join(["tasks", name, *first])


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_there_with_its_own_words(name):
    options = own_options(COMMANDS[name])
    assert bool(options) == (name in SECTIONS)
    if options:
        assert rows(PAGE, SECTIONS[name]) == said(options)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_same_options_besides(name):
    shared = [p for p in COMMANDS[name].params if p.name in SHARED]
    assert rows(PAGE, "Options of every command") == said(shared)


def test_exit_codes():
    assert [row[0] for row in rows(PAGE, "Exit codes")] == [f"`{code.value}`" for code in Exit]


def test_programs_know_what_each_command_prints():
    spoken = {name.split()[0] for name in names(rows(PAGE, "For programs"))}
    assert spoken == set(COMMANDS)
