"""Standard output for results, as a table or as JSON; standard error for all else."""

import codecs
import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

Json = dict[str, Any]

STDERR = 2
WIDE = 160
"""Width of a table for a file or a program: room for every column."""
COLOURS = {
    "COMPLETED": "green",
    "FAILED": "red",
    "CANCELLED": "yellow",
    "ERRORED": "yellow",
    "PROCESSING": "cyan",
    "FINISHED": "cyan",
}
_ESCAPED = "backslashreplace"
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Signs that turn the direction of writing: what follows them reads as another text (Unicode annex 9)."""
_CONTROL = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_DIRECTIONS}]")
_OBEYED = re.compile(f"[\x7f-\x9f\u2028\u2029{_DIRECTIONS}]")
"""The same in JSON, which has those below a space as escapes."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """The reader is gone: the command ends quietly, and not as if a task had failed."""
        raise BrokenPipeError


def out() -> Console:
    """The console for tables. A terminal knows its width; `COLUMNS` may set it for others."""
    console = _Console(highlight=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE
    return console


def err() -> Console:
    """The console for all else."""
    return _Console(stderr=True, highlight=False)


def plain(value: object) -> str:
    """Text of others, without the characters that a terminal would obey."""
    return _CONTROL.sub("\ufffd", str(value).replace("\r\n", "\n"))


def text(value: object, style: str = "") -> Text:
    """The same for a table: no markup."""
    return Text(plain(value), style=style)


def status(value: str) -> Text:
    """A status in its colour."""
    return text(value, COLOURS.get(value, ""))


def escaped(document: str) -> str:
    """JSON that says the same, with escapes for what a terminal would obey."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def encoded(document: str) -> bytes:
    """JSON in UTF-8. JSON may hold half a surrogate pair, which is no UTF-8: it becomes its escape again."""
    return document.encode(errors=_ESCAPED)


def for_terminal(write: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """A function that writes JSON Lines in parts, escaped: parts may end within a letter."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors=_ESCAPED)
    return lambda part: write(escaped(decoder.decode(part)).encode(errors=_ESCAPED))


def prepare() -> None:
    """Write UTF-8, whatever the system's encoding: JSON has no other. And have streams, even closed ones.

    A descriptor that is closed would be given to the next file that is opened, and be written to as if it were output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _closed(number))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=_ESCAPED)


def _closed(number: int) -> TextIO:
    """Nothing to read, an error to write, and, for messages, nowhere: what a closed descriptor stands for."""
    there = os.open(os.devnull, os.O_WRONLY if number == STDERR else os.O_RDONLY)
    if there != number:
        os.dup2(there, number)
        os.close(there)
    return open(number, "r" if number == 0 else "w", encoding="utf-8", errors=_ESCAPED, closefd=False)


def discard(stream: TextIO) -> None:
    """Throw away what a stream still holds and cannot write: Python would complain about it at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def complain(message: str) -> None:
    """Say an error on standard error, if that can be written."""
    try:
        err().print("[red]error:[/red]", text(message), soft_wrap=True)
    except OSError:
        discard(sys.stderr)


def print_json(value: Any) -> None:
    """One JSON document."""
    sys.stdout.write(escaped(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")


def print_json_line(value: Any) -> None:
    """One line of JSON Lines, there for the reader at once."""
    sys.stdout.write(escaped(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) + "\n")
    sys.stdout.flush()


def print_items(items: Iterable[Json]) -> None:
    """`{"items": [...]}`, written as they come: there may be a million."""
    sys.stdout.write('{"items": [')
    for number, item in enumerate(items):
        sys.stdout.write((",\n" if number else "\n") + escaped(json.dumps(item, ensure_ascii=False)))
    sys.stdout.write("\n]}\n")


def compact(value: Any) -> str:
    """JSON on one line, for a cell."""
    return json.dumps(value, ensure_ascii=False)
