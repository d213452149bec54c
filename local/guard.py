"""Stops before the engine would run a template that it only half understands."""

from pathlib import Path

from local.settings import Settings


def check(template: Path, settings: Settings) -> None:
    """Raise if the template uses what the engine ignores and the launcher does not wire."""
