"""The data set: 3,364 airports of the United States. README.md names its source."""

import csv
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("airports.csv")


def read(date: str) -> list[dict[str, Any]]:
    """One input of task type "daylight" for every airport."""
    with FILE.open(encoding="utf-8", newline="") as rows:
        return [
            {
                "code": row["code"],
                "name": row["city"],
                "state": row["state"],
                "latitude": float(row["latitude"]),
                "longitude": float(row["longitude"]),
                "date": date,
            }
            for row in csv.DictReader(rows)
        ]
