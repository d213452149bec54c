"""The finder of a Python takes a candidate only if it runs."""

import os
import subprocess
from pathlib import Path

import pytest

FINDER = Path(__file__).parents[3] / "local" / "find_python.sh"


def fake(path: Path, version: str | None) -> Path:
    """Make an executable that answers as a Python of this version, or fails as a version manager's stub does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if version is None:
        script = "echo not installed >&2; exit 127"
    else:
        minor = version.rpartition(".")[2]
        asked = f'case " $3 " in *" {minor} "*) echo {path};; *) exit 1;; esac'
        script = f'case "$*" in *ensurepip*) {asked};; *) echo {version};; esac'
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def find(tmp_path):
    def run(**env: str) -> subprocess.CompletedProcess[str]:
        found = {"PATH": f"{tmp_path / 'bin'}:{os.defpath}", "HOME": str(tmp_path), **env}
        return subprocess.run(["/bin/sh", str(FINDER)], env=found, capture_output=True, text=True)

    (tmp_path / "bin").mkdir()
    for name in ("python3.13", "python3.12", "python3.11", "python3", "uv"):  # hides this machine's own
        fake(tmp_path / "bin" / name, None)
    return run


def test_takes_the_newest_on_the_path(find, tmp_path):
    fake(tmp_path / "bin" / "python3.12", "3.12")
    newest = fake(tmp_path / "bin" / "python3.13", "3.13")
    done = find()
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{newest}\n", "")


def test_passes_by_a_stub_that_fails(find, tmp_path):
    real = fake(tmp_path / ".pyenv/versions/3.13.5/bin/python3.13", "3.13")
    assert find().stdout == f"{real}\n"


def test_asks_uv(find, tmp_path):
    real = fake(tmp_path / "uv-made/python3.13", "3.13")
    uv = tmp_path / "bin" / "uv"
    uv.write_text(f'#!/bin/sh\n[ "$4" = 3.13 ] && echo {real}\n')
    assert find().stdout == f"{real}\n"


@pytest.mark.parametrize("version", ["3.12", "3.11"])
def test_says_that_an_older_one_stands_in(find, tmp_path, version):
    real = fake(tmp_path / "bin" / f"python{version}", version)
    done = find()
    assert done.stdout == f"{real}\n"
    assert f"{version} stands in" in done.stderr


def test_takes_a_plain_python3_of_a_version_that_will_do(find, tmp_path):
    fake(tmp_path / "bin" / "python3", "3.10")
    assert find().returncode == 1
    real = fake(tmp_path / "bin" / "python3", "3.12")
    assert find().stdout == f"{real}\n"


def test_says_what_is_missing(find):
    done = find()
    assert (done.returncode, done.stdout) == (1, "")
    assert "install Python 3.13" in done.stderr


def test_tries_only_the_one_that_is_named(find, tmp_path):
    fake(tmp_path / "bin" / "python3.13", "3.13")
    named = fake(tmp_path / "mine", "3.11")
    assert find(PYTHON=str(named)).stdout == f"{named}\n"
    assert "nothing else was tried" in find(PYTHON="/nowhere").stderr
