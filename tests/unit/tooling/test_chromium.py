"""The search for a browser: the pair that goes together, or words that say what to do."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from local.paths import ROOT
from tests.browser import conftest
from tests.support.chromium import Found, NoBrowser, find


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """``machine(name, says)`` puts a program on the PATH, which has nothing else, that answers so to --version."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.delenv("CHROMEDRIVER", raising=False)

    def add(name, says, code=0):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
        program.chmod(0o755)
        return str(program)

    return add


def test_finds_debians_pair(machine):
    browser = machine("chromium", "Chromium 156.0.8078.108 built on Debian GNU/Linux 12 (bookworm)")
    driver = machine("chromedriver", "ChromeDriver 156.0.8078.1 (730482a940ce25ae7cf051320d8340e793acf8b9)")
    assert find() == Found(browser, driver)


def test_takes_the_browser_that_the_driver_is_for(machine):
    machine("chromium", "Chromium 150.0.1.2 snap")
    chrome = machine("google-chrome", "Google Chrome 156.0.8078.108")
    driver = machine("chromedriver", "ChromeDriver 156.0.8078.108 (0)")
    assert find() == Found(chrome, driver)


def test_a_program_that_does_not_run_is_none(machine):
    machine("chromium", "install it with: snap install chromium", code=1)
    machine("chromium-browser", "no version here")
    machine("chromedriver", "ChromeDriver 156.0.8078.108")
    with pytest.raises(NoBrowser, match=r"no Chromium and no Chrome that runs\. Debian has both as `chromium`"):
        find()


def test_says_that_the_driver_is_missing_or_of_another_version(machine):
    browser = machine("google-chrome", "Google Chrome 156.0.8078.108")
    with pytest.raises(NoBrowser, match="no chromedriver that runs"):
        find()
    driver = machine("chromedriver", "ChromeDriver 155.0.1.2")
    with pytest.raises(NoBrowser, match=f"{browser} is 156, {driver} is 155"):
        find()


def test_variables_decide(machine, monkeypatch):
    machine("chromium", "Chromium 156.0.8078.108")
    machine("chromedriver", "ChromeDriver 156.0.8078.108")
    mine = machine("my-chrome", "Chromium 157.0.1.2")
    monkeypatch.setenv("CHROMIUM", mine)
    with pytest.raises(NoBrowser, match=r"my-chrome is 157, .*chromedriver is 156"):
        find()
    monkeypatch.setenv("CHROMEDRIVER", machine("my-driver", "ChromeDriver 157.0.1.2"))
    assert find().browser == mine


def test_as_a_program_it_prints_both_or_what_to_do(machine, tmp_path):
    script = [sys.executable, ROOT / "tests" / "support" / "chromium.py"]
    none = subprocess.run(script, capture_output=True, text=True)
    assert (none.returncode, none.stdout) == (1, "")
    assert none.stderr.startswith("no Chromium and no Chrome that runs.")
    pair = [machine("chromium", "Chromium 156.0.1"), machine("chromedriver", "ChromeDriver 156.0.1")]
    assert subprocess.run(script, capture_output=True, text=True).stdout.split() == pair


@pytest.mark.parametrize(("ci", "left_out"), [("", True), ("true", False)])
def test_without_a_browser_its_tests_are_left_out_aloud_or_fail_in_ci(ci, left_out, machine, monkeypatch):
    monkeypatch.setenv("CI", ci)
    conftest._found.cache_clear()
    marks = {name: [] for name in ("browser", "unit")}
    items = [SimpleNamespace(path=ROOT / "tests" / name / "a.py", add_marker=marks[name].append) for name in marks]

    conftest.pytest_collection_modifyitems(items)

    assert marks["unit"] == []
    assert [mark.name for mark in marks["browser"]] == ["skip"] * left_out
    assert all(mark.kwargs["reason"].startswith("no Chromium and no Chrome that runs") for mark in marks["browser"])
    with pytest.raises(NoBrowser, match="no Chromium"):  # of the fixture that the tests ask for
        conftest._found()
