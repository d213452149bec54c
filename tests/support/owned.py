"""A clone that its owner has made a project of, in all the ways that docs/fork.md and the guides name at once."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from tests.support.pages import PAGES, blocks
from tools import yours

NAME = "my-tasks"
RENAMED = ("samconfig.toml", "pyproject.toml", "template.yaml")
GONE = (
    "benchmarks",
    "demo",
    "docs/coming-from-mbc-cqrs-serverless.md",
    "docs/coming-from-mbc-cqrs-serverless.ja.md",
    "functions/worker/task_types/cat.py",
    "functions/worker/task_types/daylight.py",
    "tests/unit/task_types/test_cat.py",
    "tests/unit/task_types/test_daylight.py",
)
"""What docs/fork.md says may go."""
REWRITTEN = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
MARK = re.compile(r"# template\.yaml, Yours: (.+)\n")
"""First line of a block that a page has put into the template."""
PLACEHOLDER = re.compile(r" *# A policy cannot be empty\..*\n(?: +.*\n){3}")
"""The grant of nothing, which an owner replaces."""


def make(root: Path) -> None:
    """Do all of it to the clone, to which the environments of this one belong."""
    rename(root)
    delete(root)
    ship_more(root)
    for place, block in additions():
        yours.write(root, place, block)
    edit(root / "template.yaml", PLACEHOLDER, "")
    write(root, {name: text for turn in examples() for name, text in turn.items()})
    run(root, sys.executable, "-m", "tools.shipped")


def rename(root: Path) -> None:
    """Give it a name of its own, wherever docs/fork.md says that the name is."""
    for name in RENAMED:
        edit(root / name, re.compile("serverless-tasks"), NAME)
    edit(root / "mkdocs.yml", re.compile(r"(?<=^site_name: ).*$", re.MULTILINE), "My tasks")
    for name in REWRITTEN:
        (root / name).write_text(f"# {NAME}\n\nOurs.\n", encoding="utf-8")


def delete(root: Path) -> None:
    """Remove what is not needed, and the pages' lines in both lists."""
    for name in GONE:
        if (root / name).is_dir():
            shutil.rmtree(root / name)
        else:
            (root / name).unlink(missing_ok=True)
    for name in ("mkdocs.yml", "docs/README.md"):
        edit(root / name, re.compile(r"^ *- .*coming-from-mbc.*\n(?:  .*\n)*?(?=^ *- |^\n|^  - )", re.MULTILINE), "")


def ship_more(root: Path) -> None:
    """Pin two packages: one with a licence that nobody has allowed yet, and one that names none."""
    pins = "".join(f"{name}=={metadata.version(name)}\n" for name in ("certifi", "jinja2"))
    with (root / "functions" / "worker" / "requirements.txt").open("a", encoding="utf-8") as file:
        file.write(pins)
    project = root / "pyproject.toml"
    edit(project, re.compile(r"(?<=\nallowed = \[\n)"), '    "MPL-2.0",\n')
    edit(project, re.compile(r"(?<=\n\[tool\.licences\.packages\]\n)"), 'jinja2 = "BSD-3-Clause"\n')


def additions() -> Iterator[tuple[str, str]]:
    """Where README and docs have something put into the template, and what."""
    for page in PAGES:
        for block in blocks(page, "yaml"):
            if mark := MARK.match(block.text):
                yield mark[1], block.text[mark.end() :]


def examples() -> list[dict[str, str]]:
    """Files that README and docs have written, by name. What one page writes otherwise than another comes in turns."""
    turns: list[dict[str, str]] = []
    for page in PAGES:
        for block in blocks(page, "python"):
            if block.file is None or (block.file in GONE) or any(turn.get(block.file) == block.text for turn in turns):
                continue
            turn = next((turn for turn in turns if block.file not in turn), None)
            if turn is None:
                turns.append(turn := {})
            turn[block.file] = block.text
    return turns


def write(root: Path, files: dict[str, str]) -> None:
    """Write them, to the letter."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def edit(file: Path, pattern: re.Pattern[str], text: str) -> None:
    """Replace every match in a file. An owner's file may have none left."""
    found = file.read_text(encoding="utf-8")
    file.write_text(pattern.sub(lambda _: text, found), encoding="utf-8")


def run(root: Path, *command: str | Path) -> str:
    """Run a command there; returns what it says."""
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
