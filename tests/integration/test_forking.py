"""`sam init --location`, with the real SAM CLI, makes a project of this repository that passes its own tests."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import isolation
from tests.support.fork import clone as copied

NAME = "my-tasks"
RENAMED = ("samconfig.toml", "pyproject.toml")
"""Where docs/fork.md says that the name is."""
QUICK = (
    "tooling/test_architecture.py",
    "tooling/test_shipped.py",
    "local/test_local_parts.py",
    "core/task/test_keys.py",
)
"""Tests that look at every corner of the repository, and take no time."""


def run(*command: str | Path, directory: Path, **environment: str) -> str:
    env = {**isolation.environment("http://127.0.0.1:9", "us-east-1"), **environment}
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(root: Path) -> dict[str, tuple[bytes, bool]]:
    """Content of every file, and whether it can be run."""
    found = (path for path in root.rglob("*") if path.is_file() and ".git" not in path.relative_to(root).parts)
    return {path.relative_to(root).as_posix(): (path.read_bytes(), os.access(path, os.X_OK)) for path in found}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A git repository with what is here now, committed or not."""
    root = copied(tmp_path_factory.mktemp("clone") / "serverless-tasks")
    git = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.com")
    for arguments in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "Begin")):
        run(*git, *arguments, directory=root, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    return root


@pytest.fixture(scope="module")
def project(clone, tmp_path_factory):
    """What `sam init` makes of the clone."""
    home = tmp_path_factory.mktemp("sam")
    # SAM CLI has just looked for a newer version, so that it does not look again.
    seen = {"lastVersionCheck": time.time(), "telemetryEnabled": False}
    (home / "metadata.json").write_text(json.dumps(seen), encoding="utf-8")
    there = tmp_path_factory.mktemp("projects")
    options = ("--location", f"git+file://{clone}", "--name", NAME, "--no-input")
    run(sys.executable, "-m", "samcli", "init", *options, directory=there, __SAM_CLI_APP_DIR=str(home))
    return there / NAME


def test_every_file_comes_along_unchanged(clone, project):
    assert files(project) == files(clone)


def test_history_stays_behind(project):
    assert not (project / ".git").exists()


@pytest.fixture
def renamed(project, tmp_path):
    """The project after what docs/fork.md says."""
    root = shutil.copytree(project, tmp_path / NAME)
    for name in RENAMED:
        text = (root / name).read_text(encoding="utf-8")
        assert "serverless-tasks" in text
        (root / name).write_text(text.replace("serverless-tasks", NAME), encoding="utf-8")
    run(sys.executable, "-m", "tools.shipped", directory=root)
    return root


def passes(root: Path, *tests: str) -> None:
    run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, directory=root)


def test_its_quick_tests_pass(renamed):
    passes(renamed, *[f"tests/unit/{name}" for name in QUICK])


@pytest.mark.slow
def test_its_unit_tests_pass(renamed):
    passes(renamed, "tests/unit")
