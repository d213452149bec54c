"""What a command ends with when it cannot do what it was asked, and the exit codes that scripts rely on."""

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
    INTERRUPTED = 130
    """What shells show after Ctrl-C: 128 + SIGINT."""
    READER_GONE = 141
    """What shells show when nobody reads the output any more: 128 + SIGPIPE."""


class CliError(Exception):
    """Ends the command; ``message`` and ``details`` are for the person at the terminal."""

    code = Exit.UNEXPECTED

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class BadInput(CliError):
    """The command line, a file, or the API says that this cannot be done as asked."""

    code = Exit.BAD_INPUT


class NotFound(BadInput):
    """The API knows no such thing, or no such route."""


class NotAllowed(CliError):
    """Nobody is signed in, or not somebody who may do this."""

    code = Exit.NOT_ALLOWED


class Unreachable(CliError):
    """Nobody answered, or only with an error that is not ours, and trying again did not help."""

    code = Exit.UNREACHABLE
