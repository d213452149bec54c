"""Which version this is."""

import tomllib
from importlib import metadata
from pathlib import Path


def version() -> str:
    """That of the clone that this runs from, else of the package; a fork may have given it another name."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    [package] = metadata.packages_distributions()["tasks_cli"]
    return metadata.version(package)
