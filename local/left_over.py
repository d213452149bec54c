"""Prints the packages of this Python's environment that a file of requirements does not name, one a line.

    python local/left_over.py requirements/dev.txt

It runs in environments that have no packages of ours, so it imports none.
"""

import re
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

KEPT = {"pip", "setuptools", "wheel"}
"""What an environment begins with."""


def normal(name: str) -> str:
    """The name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def left_over(requirements: str, installed: Iterable[str]) -> list[str]:
    """Return names that are installed and not required, sorted."""
    named = {normal(name) for name in re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", requirements, re.MULTILINE)}
    return sorted({normal(name) for name in installed} - named - KEPT)


if __name__ == "__main__":
    found = (package.metadata["Name"] for package in metadata.distributions())
    for left in left_over(Path(sys.argv[1]).read_text(encoding="utf-8"), found):
        print(left)
