"""What DynamoDB refuses in values, typed as a client sends them. Each check returns the problem, or None."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_DEPTH = 32
MAX_ITEM_BYTES = 400 * 1024
KEY_BYTES = (2048, 1024)
"""Of a partition key and of a sort key."""


def check_value(typed: Mapping[str, Any]) -> str | None:
    """One value of any type."""
    return next(_problems(typed, 1), None)


def check_key(key: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The key in an item or of a request: not empty, not too long. ``names``: the table's, partition first."""
    for name, limit in zip(names, KEY_BYTES, strict=False):
        (kind, value), *_ = key[name].items() if name in key else [("S", "-")]
        size = len(value.encode()) if kind == "S" else len(value)
        if kind not in ("S", "N", "B") or not 0 < size <= limit:
            return f"{name} must be a text of 1 to {limit} bytes, not {str(value)[:50]!r}"
    return None


def check_item(item: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """A whole item. ``keys``: as of :func:`check_key`."""
    problems = (check_value(value) for value in item.values())
    if problem := next((problem for problem in problems if problem), check_key(item, keys)):
        return problem
    if missing := [name for name in keys if item and name not in item]:
        return f"one of the required keys was not given a value: {missing}"
    return "item size has exceeded the maximum allowed size" if item_bytes(item) > MAX_ITEM_BYTES else None


def item_bytes(item: Mapping[str, Any]) -> int:
    """About what DynamoDB counts: names and values in UTF-8, and a few bytes for each map and list."""
    return sum(len(name.encode()) + _bytes(value) for name, value in item.items())


def _bytes(typed: Mapping[str, Any]) -> int:
    [(kind, value)] = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "M":
            return 3 + item_bytes(value)
        case "L":
            return 3 + sum(1 + _bytes(element) for element in value)
        case _:
            return len(str(value))


def _problems(typed: Mapping[str, Any], depth: int) -> Iterator[str]:
    [(kind, value)] = typed.items()
    if depth > MAX_DEPTH:
        yield f"nested deeper than {MAX_DEPTH} levels"
    match kind:
        case "S":
            if any("\ud800" <= character <= "\udfff" for character in value):
                yield f"no UTF-8: {value[:50]!r}"
        case "N":
            yield from _number_problems(value)
        case "NULL":
            if value is not True:
                yield "NULL is true or not there"
        case "SS" | "NS" | "BS":
            if not value or len(set(value)) < len(value):
                yield f"a set must have elements, each once, not {value}"
            if kind == "NS":
                for number in value:
                    yield from _number_problems(number)
        case "M":
            for name, element in value.items():
                if not name:
                    yield "an empty attribute name"
                yield from _problems(element, depth + 1)
        case "L":
            for element in value:
                yield from _problems(element, depth + 1)


def _number_problems(text: Any) -> Iterator[str]:
    try:
        number = Decimal(text)
    except (InvalidOperation, TypeError):
        yield f"{text!r} is no number"
        return
    if not number.is_finite():
        yield f"{text} is no number"
    elif len("".join(map(str, number.as_tuple().digits)).strip("0")) > 38:
        yield f"{text} has more than 38 digits"
    elif number and not -130 <= number.adjusted() <= 125:
        yield f"{text} is out of range"
