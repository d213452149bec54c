"""List prices from ``prices.json`` of this package: dated, and each with its source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "prices.json"


@dataclass(frozen=True, slots=True)
class Price:
    """What ``per`` of a ``unit`` cost, in US dollars."""

    usd: float
    per: int
    unit: str
    source: str
    read_in: str
    """Where its number was read, if the source shows it by script only."""

    def of(self, quantity: float) -> float:
        """Dollars for so many."""
        return quantity * self.usd / self.per


@cache
def prices() -> dict[str, Price]:
    """All prices, by name."""
    given = _file()["prices"]
    return {n: Price(p["usd"], p["per"], p["unit"], p["source"], p["readIn"]) for n, p in given.items()}


def looked_up() -> str:
    """The day on which they were looked up."""
    return str(_file()["lookedUp"])


@cache
def named() -> str:
    """Region and day of the prices: ``us-east-1, 2026-11-22``."""
    return f"{_file()['region']}, {looked_up()}"


def _file() -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))
