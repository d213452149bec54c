"""DynamoDB's typed JSON to plain values and back, for the types that our items hold.

boto3 has this too, but the core may not import it (stream records are decoded here), and it knows no float.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]
"""An item with plain Python values."""
Image = Mapping[str, Any]
"""An item as DynamoDB sends it: ``{"status": {"S": "CREATED"}, …}``."""


def encode(value: Any) -> dict[str, Any]:
    """Typed form of a str, bool, int, float, None, list, mapping or non-empty set of int."""
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": int.__repr__(value)}  # not repr(): a subclass (IntEnum, numpy's float64) may say more
        case float():
            return {"N": float.__repr__(value)}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": encode_item(value)}
        case list() | tuple():
            return {"L": [encode(item) for item in value]}
        case set() | frozenset():
            return {"NS": sorted(str(number) for number in value)}
        case _:
            raise TypeError(f"no DynamoDB type for {type(value).__name__}")


def encode_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Typed form of a whole item."""
    return {name: encode(value) for name, value in item.items()}


def decode(typed: Mapping[str, Any]) -> Any:
    """Plain value of one typed value. Raises ``ValueError`` for a type that our items never hold."""
    [(name, value)] = typed.items()
    match name:
        case "S" | "BOOL":
            return value
        case "N":
            return _number(value)
        case "NULL":
            return None
        case "M":
            return decode_item(value)
        case "L":
            return [decode(item) for item in value]
        case "NS":
            return frozenset(_number(number) for number in value)
        case _:
            raise ValueError(f"unexpected DynamoDB type {name}")


def decode_item(image: Image) -> Item:
    """Plain values of a whole item."""
    return {name: decode(value) for name, value in image.items()}


def _number(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)
