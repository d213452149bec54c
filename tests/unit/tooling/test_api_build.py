"""What `sam build` runs for the API's function, where a container hides the layer: so it compiles nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local.paths import ROOT

API = ROOT / "functions" / "api"


class Built:
    """A copy of the folder, as SAM makes one, and a folder for what is built. Their path has a space."""

    def __init__(self, root: Path) -> None:
        self.source, self.artifacts = root / "scratch", root / "built"
        shutil.copytree(API, self.source, ignore=shutil.ignore_patterns("__pycache__"))
        self.artifacts.mkdir()

    def add(self, name: str, text: str = "") -> None:
        (self.source / name).parent.mkdir(exist_ok=True)
        (self.source / name).write_text(text, encoding="utf-8")

    def build(self) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
        environment = {**kept, "ARTIFACTS_DIR": str(self.artifacts)}
        command = ["make", "build-ApiFunction"]
        return subprocess.run(command, cwd=self.source, env=environment, capture_output=True, text=True)

    def files(self) -> set[str]:
        return {path.relative_to(self.artifacts).as_posix() for path in self.artifacts.rglob("*") if path.is_file()}


@pytest.fixture
def api(tmp_path: Path) -> Built:
    return Built(tmp_path / "a fork")


def test_the_whole_folder_ships(api: Built):
    api.add("billing/__init__.py")
    api.add("billing/prices.json", "{}")
    api.add("billing/__pycache__/__init__.cpython-311.pyc")
    api.add("requirements.txt", "# Nothing beyond the layers.\n\n")
    done = api.build()
    assert done.returncode == 0, done.stderr
    ours = {path.name for path in API.glob("*.py")}
    assert api.files() == {*ours, "billing/__init__.py", "billing/prices.json"}


def test_packages_of_its_own_are_refused_in_words(api: Built):
    api.add("requirements.txt", "# Ours.\nstripe==1\n")
    done = api.build()
    assert done.returncode != 0
    assert (
        "functions/api/requirements.txt is not installed. Pin its packages in layers/serverless_tasks/" in done.stderr
    )
    assert api.files() == set()
