"""Common to all commands: options, output, and the way from an error to a message and an exit code."""

import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import typer
from rich.console import Console

from tasks_cli import output
from tasks_cli.api import TaskApi
from tasks_cli.errors import CliError, Exit
from tasks_cli.options import SHARED
from tasks_cli.where import Place, place

Command = Callable[..., int | None]


@dataclass(frozen=True)
class Run:
    """One call of a command: the shared options, the stack that they name, and consoles."""

    stack: str | None
    profile: str | None
    user: str | None
    json: bool
    debug: bool

    @cached_property
    def place(self) -> Place:
        """The stack that the command is about."""
        return place(self.stack, self.profile, self.user)

    @cached_property
    def api(self) -> TaskApi:
        """Its API."""
        return self.place.api()

    @cached_property
    def out(self) -> Console:
        """Standard output, for tables."""
        return output.out()

    @cached_property
    def err(self) -> Console:
        """Standard error."""
        return output.err()

    def say(self, message: str) -> None:
        """Print to standard error, for the user: programs read standard output."""
        self.err.print(output.text(message), soft_wrap=True)

    def same_place(self) -> str:
        """The options that lead another command to the same stack."""
        given = (("--stack", self.stack), ("--profile", self.profile), ("--user", self.user))
        return "".join(f" {option} {value}" for option, value in given if value)


def command(app: typer.Typer, name: str) -> Callable[[Command], Command]:
    """Make a function a command of this name. It gets a :class:`Run` first, and may return an exit code.

    The options that all commands have are added to its own, so that none has to list them.
    """

    def register(function: Command) -> Command:
        own = list(inspect.signature(function).parameters.values())[1:]
        shared = [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            for option, (kind, default) in SHARED.items()
        ]

        def called(**given: Any) -> None:
            run = Run(**{option: given.pop(option) for option in SHARED})
            code = guarded(run, lambda: function(run, **given))
            if code:
                raise typer.Exit(code)

        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + shared
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        called.__doc__ = function.__doc__
        app.command(name)(called)
        return function

    return register


def guarded(run: Run, body: Callable[[], int | None]) -> int:
    """Run a command; report its error; return its exit code."""
    try:
        code = body() or Exit.DONE
        sys.stdout.flush()
    except CliError as error:
        _report(run, error.message, error.details, error)
        return error.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except typer.Exit:
        raise
    except UnicodeEncodeError as error:  # the system's bytes that are no text are half surrogate pairs in Python
        _report(run, f"{error.object[:80]}: is no text in UTF-8", (), error)
        return Exit.BAD_INPUT
    except OSError as error:
        if error.errno is None and not isinstance(error, BrokenPipeError):  # that of a library
            return _unexpected(run, error)
        return unwritten(error)
    except Exception as error:  # our own fault shows no traceback either, unless asked for
        return _unexpected(run, error)
    return code


def unwritten(error: OSError) -> int:
    """Report a file or an output that cannot be written, and return the exit code."""
    if isinstance(error, BrokenPipeError):
        output.discard(sys.stdout)
        return Exit.READER_GONE
    if error.filename is not None:
        output.complain(f"{os.fsdecode(error.filename)}: {error.strerror}")
        return Exit.BAD_INPUT
    output.discard(sys.stdout)
    output.complain(f"the output cannot be written: {error.strerror}")
    return Exit.UNWRITABLE


def _unexpected(run: Run, error: Exception) -> int:
    _report(run, f"this should not have happened: {type(error).__name__}; --debug shows more", (), error)
    return Exit.UNEXPECTED


def _report(run: Run, message: str, details: Any, error: Exception) -> None:
    try:
        if run.debug:
            run.say(_without_links("".join(traceback.format_exception(error))))
        run.err.print("[red]error:[/red]", output.text(message), soft_wrap=True)
        for detail in details:
            run.say(f"  {detail}")
    except OSError:  # no message reaches a reader; the exit code is right all the same
        output.discard(sys.stderr)


def _without_links(trace: str) -> str:
    """A traceback without the queries of addresses: a link's query is as good as a key."""
    return re.sub(r"\?[^\s'\"<>]*=[^\s'\"<>]*", "?…", trace)
