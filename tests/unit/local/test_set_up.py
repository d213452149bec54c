"""`make setup` after a change: what is no longer required goes, all else stays."""

import os
import subprocess
import sys

import pytest

from local.left_over import left_over
from local.paths import ROOT

REQUIRED = """# a comment
ruamel-yaml==1.2 \\
    --hash=sha256:aa
    # via something
PyJWT==2 ; sys_platform == 'win32'
"""


def test_what_is_no_longer_named_is_left_over():
    assert left_over(REQUIRED, ["ruamel.yaml", "pyjwt", "pip", "setuptools", "Old_Name"]) == ["old-name"]


@pytest.fixture
def tried(tmp_path):
    """A folder with an environment that only writes down what it is called with."""
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "requirements.txt").write_text("new==1\n")
    calls = tmp_path / "calls"

    def program(path, version):
        path.write_text(
            f'#!/bin/sh\necho "$0 $*" >> "{calls}"\ncase "$*" in\n  "-c "*) echo "{version}";;\n'
            '  *left_over.py*) echo "gone";;\nesac\n'
        )
        path.chmod(0o755)

    def run(here, there):
        program(tmp_path / "env" / "bin" / "python", here)
        program(tmp_path / "python", there)
        calls.write_text("")
        command = ["sh", "local/set_up.sh", tmp_path / "env", tmp_path / "requirements.txt", tmp_path / "python", ""]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        return calls.read_text()

    return run


def test_an_environment_that_is_there_stays_and_loses_what_went(tried):
    called = tried("(3, 13)", "(3, 13)")
    assert "-m venv" not in called
    assert "-m pip install" in called
    assert "-m pip uninstall -qq --yes gone" in called


def test_one_of_another_python_is_made_anew(tried):
    assert "-m venv --clear" in tried("(3, 12)", "(3, 13)")


def test_one_that_was_copied_with_its_clone_is_made_anew(tried, tmp_path):
    (tmp_path / "env").mkdir(exist_ok=True)
    config = tmp_path / "env" / "pyvenv.cfg"
    config.write_text("home = /usr/bin\ncommand = /usr/bin/python3 -m venv --clear /elsewhere/env\n")
    assert "-m venv --clear" in tried("(3, 13)", "(3, 13)")


@pytest.mark.parametrize(("command", "here"), [("{}/env", True), ("/elsewhere/env", False), (None, True)])
def test_where_an_environment_was_made_is_known(tmp_path, command, here):
    (tmp_path / "env").mkdir()
    said = f"command = python -m venv {command.format(tmp_path.resolve())}\n" if command else "home = /usr/bin\n"
    (tmp_path / "env" / "pyvenv.cfg").write_text(said)
    done = subprocess.run(["sh", ROOT / "local" / "is_here.sh", "env"], cwd=tmp_path)
    assert (done.returncode == 0) is here


def test_it_runs_in_an_environment_without_packages_of_ours():
    done = subprocess.run(
        [sys.executable, "-S", "local/left_over.py", "requirements/dev.txt"], cwd=ROOT, capture_output=True, check=True
    )
    assert done.stdout == b""


def test_its_path_may_have_letters_that_the_locale_has_not(tmp_path):
    clone = tmp_path / "für alle"
    clone.mkdir()
    (clone / "local").symlink_to(ROOT / "local")
    (clone / "requirements.txt").touch()
    command = ["sh", "local/set_up.sh", ".venv", "requirements.txt", sys.executable, sys.executable, "--without-pip"]
    for said in (b"Setting up .venv", b"Bringing .venv"):
        done = subprocess.run(command, cwd=clone, env={**os.environ, "LC_ALL": "C"}, capture_output=True, check=True)
        assert done.stdout.startswith(said)
        assert b"Traceback" not in done.stderr
