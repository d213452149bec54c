"""Lines of what comes from the bucket in blocks. A line ends at a newline and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from serverless_tasks.core.errors import InvalidInput

FIELD = "inputRef"
"""The field that errors of an uploaded input name."""


def broken(line: int, reason: str) -> InvalidInput:
    """An input that cannot be run."""
    return InvalidInput(FIELD, f"line {line}: {reason}")


def split_lines(blocks: Iterable[bytes], limit: int | None = None) -> Iterator[bytes]:
    """Lines of what comes in blocks, without their newlines. Raises for a line of more than ``limit`` bytes."""
    number, held, length = 1, list[bytes](), 0
    for block in blocks:
        for place, part in enumerate(block.split(b"\n")):
            if place > 0:
                yield b"".join(held)
                number, held, length = number + 1, [], 0
            held.append(part)
            length += len(part)
            if limit is not None and length > limit:
                raise broken(number, f"has more than {limit} bytes")
    if length:
        yield b"".join(held)
