"""Other judges, from npm: each night, pinned, and left out by name where there is no npm."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of their commands, installed without running any of their scripts."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm: dynalite and asl-validator do not judge")
    directory = tmp_path_factory.mktemp("judges")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, directory)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory / "node_modules" / ".bin"
