"""`.ci/run` with made-up tools: it runs what it says, and says what is missing."""

import os
import shutil
import subprocess
import sys

import pytest

from local.paths import ROOT


@pytest.fixture
def tools(tmp_path):
    """A folder that is the whole PATH: the shell's own, and a `git` and a `make` that only say what they were told."""
    for name in ("bash", "sh", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name))
    for name in ("git", "make"):
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\necho "{name} $*"\n')
        script.chmod(0o755)
    return tmp_path


def run(tools, python=sys.executable):
    environment = {**os.environ, "PATH": str(tools), "PYTHON": python}
    return subprocess.run([ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True)


def test_runs_check_demo_and_test_and_adds_nothing_after_it(tools):
    done = run(tools)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2:] == ["+ make check demo test", "make check demo test"]
    assert f"Python {sys.version.split()[0]}" in done.stdout


def test_fails_when_make_does(tools):
    (tools / "make").write_text('#!/bin/sh\necho "make $*"\nexit 2\n')
    assert run(tools).returncode == 2


@pytest.mark.parametrize("name", ["git", "make"])
def test_names_the_tool_that_is_missing(tools, name):
    (tools / name).unlink()
    done = run(tools)
    assert done.returncode == 1
    assert f"'{name}' is not installed" in done.stderr


def test_says_that_there_is_no_python(tools):
    done = run(tools, python=str(tools / "no-such-python"))
    assert done.returncode == 1
    assert "No Python found that runs" in done.stderr
    assert "no Python to run with" in done.stderr
