"""A new status is a type error at every place that decides by status: tried in a copy of the core."""

import re
import shutil
from pathlib import Path

import serverless_tasks
from mypy import api as mypy

CORE = Path(serverless_tasks.__path__[0]) / "core"
LAST = '    CANCELLED = "CANCELLED"\n'
MUST_DECIDE = ["decisions.decide", "decisions.sweep", "status.facts", "transitions.manual_update"]


def test_a_new_status_is_a_type_error_wherever_it_matters(tmp_path: Path, monkeypatch):
    # GIVEN a copy of the core in which a task can be ODD
    shutil.copytree(CORE, tmp_path / "serverless_tasks" / "core")
    status = tmp_path / "serverless_tasks" / "core" / "task" / "status.py"
    text = status.read_text(encoding="utf-8")
    assert text.count(LAST) == 1
    status.write_text(text.replace(LAST, f'{LAST}    ODD = "ODD"\n'), encoding="utf-8")

    # WHEN mypy reads it
    monkeypatch.chdir(tmp_path)
    options = ["--config-file=", "--cache-dir=cache", "--no-site-packages", "--explicit-package-bases"]
    deciding = [path for path in Path().rglob("*.py") if "assert_never(" in path.read_text(encoding="utf-8")]
    said, _, _ = mypy.run([*options, "--follow-imports=silent", *map(str, deciding)])

    # THEN each function that has to decide is named, and nothing else
    assert sorted(_function(error) for error in said.splitlines()[:-1]) == MUST_DECIDE, said


def _function(error: str) -> str:
    """The function that an error of mypy is in."""
    path, line, _, problem = error.split(":", 3)
    assert "Literal[TaskStatus.ODD]" in problem
    above = Path(path).read_text(encoding="utf-8").splitlines()[: int(line)]
    name = next(found[1] for text in reversed(above) if (found := re.match(r"def (\w+)", text)))
    return f"{Path(path).stem}.{name}"
