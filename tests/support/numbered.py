"""Codes of tasks that are the same each time."""

from datetime import datetime


class Numbered:
    """Stands in for ``ULID``: what failed is to fail again."""

    def __init__(self) -> None:
        self._made = 0

    def from_datetime(self, _moment: datetime) -> str:
        self._made += 1
        return f"{self._made:026d}"
