"""Payloads as text: JSON, which is accepted up to these limits, and lines.

Payloads are stored as text because a DynamoDB map refuses what JSON allows: nesting below 32 levels, numbers of more
than 38 digits, empty attribute names (DynamoDB developer guide, "Constraints").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from serverless_tasks.core.errors import InvalidInput, InvalidResult

INLINE_LIMIT = 4096
"""Bytes of UTF-8 up to which a payload stays in the item."""
CHECKPOINT_LIMIT = 1_048_576
"""Bytes of a checkpoint: it is written again and again, and holds where a handler is, not its results."""
MAX_DEPTH = 100
"""Levels of nesting that are accepted."""
MAX_DIGITS = 4300
"""Digits of a whole number that are accepted: what Python itself reads and writes (``sys.set_int_max_str_digits``)."""
FIELD = "inputRef"
"""The field that errors of an uploaded input name."""
NO_NEWLINES = "a carriage return alone ends no line; save it with newlines (LF or CRLF)"


def to_json_text(value: Any, field: str, levels: int = MAX_DEPTH) -> str:
    """Compact JSON text of ``value``.

    Raises :class:`InvalidInput` naming ``field``, and the path in it, for what is not JSON, NaN and Infinity, keys
    that are the same as text (``1`` and ``"1"``), and more than ``levels``.
    """
    try:
        text = _dumps(value, ascii_only=False)
        text.encode()
    except UnicodeEncodeError:
        text = _dumps(value, ascii_only=True)  # a lone surrogate: valid JSON as an escape, invalid as UTF-8
    except RecursionError:
        raise _too_deep(field, levels) from None
    except (TypeError, ValueError) as error:
        raise InvalidInput(field, f"is not JSON: {_fault(field, value) or error}") from error
    if _bracket_count(text) > levels and depth(value) > levels:
        raise _too_deep(field, levels)
    if "{" in text and _has_other_keys(value) and (wrong := _fault(field, value)):
        raise InvalidInput(field, f"is not JSON: {wrong}")
    return text


def result_text(returned: Any) -> str:
    """JSON text of a handler's result. Raises :class:`InvalidResult`: another attempt would return the like."""
    try:
        return to_json_text(returned, "result")
    except InvalidInput as error:
        raise InvalidResult(str(error)) from error


def from_json_text(text: str | bytes, field: str = "payload", levels: int = MAX_DEPTH) -> Any:
    """The value of JSON text. Raises :class:`InvalidInput` naming ``field``, also for NaN and for 1e999."""
    try:
        text = text.decode() if isinstance(text, bytes) else text
        value = _DECODER.decode(text)
    except RecursionError:
        raise _too_deep(field, levels) from None
    except ValueError as error:
        raise InvalidInput(field, f"is not JSON: {error}") from error
    if _bracket_count(text) > levels and depth(value) > levels:
        raise _too_deep(field, levels)
    return value


def size(text: str) -> int:
    """Bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def escaped_size(text: str) -> int:
    """Bytes of a JSON text in ASCII, which needs six for each character beyond it (twelve beyond the first plane)."""
    if text.isascii():
        return len(text)
    # Escaped once more, as a string in JSON: quotes around it, and one backslash more for each quote and backslash.
    return len(json.dumps(text)) - 2 - text.count('"') - text.count("\\")


def fits_inline(text: str) -> bool:
    """Whether the text stays in the item."""
    return size(text) <= INLINE_LIMIT


def depth(value: Any) -> int:
    """Levels of lists and objects in ``value``, by hand: recursion would end where Python's stack does."""
    deepest, level = 0, [value]
    while level := [item for item in level if isinstance(item, (dict, list, tuple))]:
        deepest += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return deepest


def _has_other_keys(value: Any) -> bool:
    """Whether a key somewhere in ``value`` is no text, by hand as well."""
    level = [value]
    while level := [item for item in level if isinstance(item, (dict, list, tuple))]:
        if any(type(key) is not str for item in level if isinstance(item, dict) for key in item):
            return True
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return False


def _fault(field: str, value: Any) -> str | None:
    from serverless_tasks.core.inputs.no_json import fault  # not at the start: it is rare

    return fault(field, value)


def broken(line: int, reason: str) -> InvalidInput:
    """An input that cannot be run."""
    return InvalidInput(FIELD, f"line {line}: {reason}")


def split_lines(blocks: Iterable[bytes], limit: int | None = None) -> Iterator[bytes]:
    """Lines of text that comes in blocks, without their newlines: a line ends at a newline and nowhere else.

    Raises :class:`InvalidInput` for a line of more than ``limit`` bytes.
    """
    number, held, length = 1, list[bytes](), 0
    for block in blocks:
        for newlines, part in enumerate(block.split(b"\n")):
            if newlines > 0:
                yield b"".join(held)
                number, held, length = number + 1, [], 0
            held.append(part)
            length += len(part)
            if limit is not None and length > limit:
                hint = f"; {NO_NEWLINES}" if b"\r" in part else ""
                raise broken(number, f"has more than {limit} bytes{hint}")
    if length:
        yield b"".join(held)


def _dumps(value: Any, *, ascii_only: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"))


def _bracket_count(text: str) -> int:
    return text.count("[") + text.count("{")


def _too_deep(field: str, levels: int) -> InvalidInput:
    return InvalidInput(field, f"is nested deeper than {levels} levels")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits[:20]} is too large")
    return number


def _whole(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAX_DIGITS:
        raise ValueError(f"the number {digits[:20]}… has more than {MAX_DIGITS} digits")
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole)
"""Made once: to make one takes as long as to read a short text."""
