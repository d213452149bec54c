"""`.ci/run` with made-up tools: it runs what it says, and says what is missing."""

import os
import shutil
import subprocess
import sys

import pytest

from local.paths import ROOT


def add(tools, name, does):
    """Put a program into the folder."""
    (tools / name).write_text(f"#!/bin/sh\n{does}\n")
    (tools / name).chmod(0o755)


@pytest.fixture
def tools(tmp_path):
    """A folder that is the whole PATH: the shell's own, a browser, and tools that only say what they were told."""
    for name in ("bash", "sh", "dirname", "head", "chmod"):
        (tmp_path / name).symlink_to(shutil.which(name))
    for name in ("git", "make"):
        add(tmp_path, name, f'echo "{name} $*"')
    for name in BROWSER:
        add(tmp_path, name, f'echo "{name} 156.0.1"')
    return tmp_path


@pytest.fixture
def bare(tools):
    """The same without a browser, for root; `apt-get` installs one."""
    for name in BROWSER:
        (tools / name).unlink()
    add(tools, "id", "echo 0")
    add(tools, "sleep", 'echo "sleep $*"')
    add(tools, "apt-get", APT_GET)
    return tools


MAKE = "make check demo test" if (ROOT / "demo").exists() else "make check test"
BROWSER = ("chromium", "chromedriver")
APT_GET = """echo "apt-get $*"
case "$*" in *install*)
    for name in chromium chromedriver; do
        printf '#!/bin/sh\\necho "%s 156.0.1"\\n' "$name" >"${0%/*}/$name" && chmod +x "${0%/*}/$name"
    done
esac"""


def run(tools, python=sys.executable):
    kept = {name: value for name, value in os.environ.items() if name not in ("CHROMIUM", "CHROMEDRIVER")}
    environment = {**kept, "PATH": str(tools), "PYTHON": python}
    return subprocess.run([ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True)


def test_runs_check_demo_and_test_and_adds_nothing_after_it(tools):
    done = run(tools)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2:] == [f"+ {MAKE}", MAKE]
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


def test_installs_a_browser_where_there_is_none(bare):
    done = run(bare)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == [
        "+ apt-get install chromium chromium-driver",
        "apt-get -qq update",
        "apt-get -qq install -y --no-install-recommends chromium chromium-driver",
    ]
    assert f"Browser: {bare / 'chromium'}" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == MAKE


def test_leaves_a_browser_alone_that_is_there(tools):
    add(tools, "apt-get", APT_GET)
    assert "apt-get" not in run(tools).stdout


def test_a_user_who_is_not_root_installs_by_sudo_without_a_question(bare):
    add(bare, "id", "echo 1000")
    add(bare, "sudo", 'echo "sudo $*"\nshift\nexec "$@"')
    done = run(bare)
    assert done.returncode == 0, done.stderr
    assert "sudo -n apt-get -qq update" in done.stdout


def test_tries_again_and_then_says_what_to_do(bare):
    add(bare, "apt-get", 'echo "apt-get $*"\nexit 100')
    done = run(bare)
    assert done.returncode == 1
    assert done.stdout.count("apt-get -qq update") == 3
    assert "sleep 5" in done.stdout
    assert "a browser is missing and could not be installed here: no Chromium and no Chrome that runs" in done.stderr
    assert "make check" not in done.stdout


def test_a_machine_without_apt_get_says_how(bare):
    (bare / "apt-get").unlink()
    done = run(bare)
    assert done.returncode == 1
    assert "Homebrew as `google-chrome` and `chromedriver`" in done.stderr
