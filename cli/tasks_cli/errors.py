"""Errors that end a command, and the exit codes that scripts rely on."""

from collections.abc import Sequence
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, as docs/command-line.md lists them."""

    DONE = 0
    ENDED_BADLY = 1
    """The task ended FAILED or CANCELLED; or a dead letter was not taken back."""
    BAD_INPUT = 2
    NOT_ALLOWED = 3
    UNREACHABLE = 4
    UNEXPECTED = 70
    """Our own fault. The number is EX_SOFTWARE of sysexits.h."""
    UNWRITABLE = 74
    """The output cannot be written: a disk that is full, a descriptor that is closed. EX_IOERR of sysexits.h."""
    INTERRUPTED = 130
    """What shells show after Ctrl-C: 128 + SIGINT."""
    READER_GONE = 141
    """What shells show when the reader of the output is gone: 128 + SIGPIPE."""


class CliError(Exception):
    """Ends the command; ``message`` and ``details`` are for the user."""

    code = Exit.UNEXPECTED

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class BadInput(CliError):
    """The command line, a file, or the API says that this cannot be done as asked."""

    code = Exit.BAD_INPUT


class NotFound(BadInput):
    """The API has no such task, or no such route."""


class NotAllowed(CliError):
    """Nobody is signed in, or the user may not do this."""

    code = Exit.NOT_ALLOWED


class Unreachable(CliError):
    """No answer, or only an error of the server, and retries did not help; or a bound that is reached."""

    code = Exit.UNREACHABLE
