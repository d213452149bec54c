"""`sam init --location`, with the real SAM CLI, makes a project of this repository, and its owner makes it their own.

That is a fork in every way that docs/fork.md and the guides name at once. Its checks pass, and no test was edited.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import isolation
from tests.support import owned
from tests.support.fork import clone as copied
from tests.support.fork import set_up

AFFECTED = " ".join(
    f"tests/unit/{name}"
    for name in (
        "docs",
        "task_types",
        *(f"template/test_{name}.py" for name in ("grants", "linting", "template", "users")),
        *(f"tooling/test_{name}.py" for name in ("architecture", "ci_run", "events", "shipped", "task_types_file")),
        "tooling/test_versions.py",
    )
)
"""Unit tests of what an owner changes; all the others are run by the slow test."""
OF_SAMPLES = {
    "tests/unit/docs/test_docs.py::test_a_test_that_a_page_shows_is_the_one_that_is_here",
    "tests/unit/docs/test_docs.py::test_the_task_type_that_pages_take_as_given_is_the_one_that_is_here",
}
"""Tests of our own samples, which this fork has deleted."""


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
    options = ("--location", f"git+file://{clone}", "--name", owned.NAME, "--no-input")
    run(sys.executable, "-m", "samcli", "init", *options, directory=there, __SAM_CLI_APP_DIR=str(home))
    return there / owned.NAME


def test_every_file_comes_along_unchanged(clone, project):
    assert files(project) == files(clone)


def test_history_stays_behind(project):
    assert not (project / ".git").exists()


@pytest.fixture(scope="module")
def fork(project, tmp_path_factory):
    """The project as its owner has it."""
    root = shutil.copytree(project, tmp_path_factory.mktemp("forks") / owned.NAME)
    set_up(root)
    owned.make(root)
    return root


def make(fork: Path, target: str, **variables: str) -> str:
    """A target as a shell of the owner's runs it."""
    ours = {"MAKEFLAGS", "MAKELEVEL", "PYTHONPATH", "AWS_ENDPOINT_URL"} | {
        name for name in os.environ if name.startswith("PYTEST_")
    }
    given = [f"{name}={value}" for name, value in variables.items()]
    return run("env", *[f"--unset={name}" for name in ours], "make", target, *given, directory=fork)


def skipped(said: str) -> set[str]:
    """Names of the tests that were left out."""
    return set(re.findall(r"^SKIPPED (?:\[1\] )?(\S+::\w+)", said, re.MULTILINE))


def test_its_checks_pass(fork):
    assert skipped(make(fork, "check", UNIT=AFFECTED)) == OF_SAMPLES


def test_every_example_passes_the_linters(fork):
    """The same file may be on several pages, each time another step: the fork has the last one."""
    *before, _ = owned.examples()
    for files in before:
        owned.write(fork, files)
        for command in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
            run(sys.executable, "-m", *command, directory=fork)


@pytest.mark.slow
def test_all_its_tests_pass(fork):
    assert skipped(make(fork, "test")) >= OF_SAMPLES
