"""List prices from ``prices.json``: dated, and each with its source."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "prices.json"


@dataclass(frozen=True)
class Price:
    """What ``per`` of a ``unit`` cost."""

    usd: float
    per: int
    unit: str
    source: str
    read_in: str

    def of(self, quantity: float) -> float:
        """Dollars for so many."""
        return quantity * self.usd / self.per


@cache
def prices() -> dict[str, Price]:
    """All prices, by name."""
    given = json.loads(FILE.read_text(encoding="utf-8"))["prices"]
    return {n: Price(p["usd"], p["per"], p["unit"], p["source"], p["readIn"]) for n, p in given.items()}


def looked_up() -> str:
    """The day on which they were looked up."""
    day: str = json.loads(FILE.read_text(encoding="utf-8"))["lookedUp"]
    return day
