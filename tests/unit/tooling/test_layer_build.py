"""What `sam build` runs for the layer, as far as it goes without a package index."""

import os
import shutil
import subprocess
from pathlib import Path

from local.paths import ROOT

SOURCE = ROOT / "layers" / "serverless_tasks"
TOOLS = ("make", "sh", "true")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "PYTHON_RUNTIME")}


def planned(programs: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What make would do where these programs are all that there is."""
    for name in TOOLS:
        (programs / name).symlink_to(shutil.which(name) or name)
    variables = ENVIRONMENT | {"PATH": str(programs), "ARTIFACTS_DIR": "built", **environment}
    command = ["make", "--dry-run", "build-TasksLayer"]
    return subprocess.run(command, cwd=SOURCE, env=variables, capture_output=True, text=True)


def interpreter(programs: Path, name: str, command: str = "true") -> None:
    (programs / name).write_text(f"#!/bin/sh\n{command}\n")
    (programs / name).chmod(0o755)


def test_the_newest_python_that_runs_compiles(tmp_path):
    interpreter(tmp_path, "python3.13", "exit 127")  # a version manager's stub
    interpreter(tmp_path, "python3.12")
    interpreter(tmp_path, "python3.11")
    assert "\npython3.12 -m compileall" in planned(tmp_path).stdout


def test_the_runtime_that_is_named_compiles(tmp_path):
    interpreter(tmp_path, "python3.13")
    interpreter(tmp_path, "python3.11")
    assert "\npython3.11 -m compileall" in planned(tmp_path, PYTHON_RUNTIME="python3.11").stdout


def test_without_a_python_it_says_what_to_install(tmp_path):
    for name in TOOLS:
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    variables = ENVIRONMENT | {"PATH": str(tmp_path), "ARTIFACTS_DIR": "built"}
    done = subprocess.run(["make", "build-TasksLayer"], cwd=SOURCE, env=variables, capture_output=True, text=True)
    assert done.returncode != 0
    assert "None of these runs here: python3.13 python3.12 python3.11." in done.stderr


def test_a_python_that_only_the_path_lacks_is_named(tmp_path):
    """Of the repository's own environment, which has one, run by SAM in a copy."""
    root, programs = tmp_path / "a repository", tmp_path / "programs"
    environment = root / ".venv" / "bin"
    for folder in (environment, programs, root / "layers" / "ours"):
        folder.mkdir(parents=True)
    interpreter(environment, "python3.12")
    shutil.copy(SOURCE / "Makefile", root / "layers" / "ours")
    for name in (*TOOLS, "dirname"):
        (programs / name).symlink_to(shutil.which(name) or name)
    command = ["make", "--makefile", str(root / "layers" / "ours" / "Makefile"), "build-TasksLayer"]
    variables = ENVIRONMENT | {"PATH": str(programs), "ARTIFACTS_DIR": "built"}
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert done.returncode != 0
    assert f'Or let this one be found: PATH="{environment}:$PATH" sam build' in done.stderr
