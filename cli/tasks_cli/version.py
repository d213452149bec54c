"""The version of this command."""

import tomllib
from importlib import metadata
from pathlib import Path


def version() -> str:
    """The version of the clone, else of the package, which a fork may have renamed."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    [package] = metadata.packages_distributions()["tasks_cli"]
    return metadata.version(package)
