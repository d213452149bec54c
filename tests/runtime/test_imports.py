"""What each function imports when it starts is what ``imports.toml`` allows: a cold start pays for all of it."""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support import lambda_runtime
from tests.support.lambda_runtime import Function

FILE = Path(__file__).with_name("imports.toml")
ALLOWED = tomllib.loads(FILE.read_text(encoding="utf-8"))
EVERY = ALLOWED.pop("every")
DEEP = {"serverless_tasks": 4, "aws_lambda_powertools": 2, "aws_lambda_powertools.utilities": 3}
"""How many parts of a name count, of packages of which no function needs all."""

pytestmark = pytest.mark.skipif(not lambda_runtime.RUNS_HERE, reason="the artifacts are built for Lambda's Linux")


def imported(function: Function, folder: Path) -> set[str]:
    """What the function's module brings along, beyond what Lambda has loaded before and boto3."""
    own = shutil.copytree(function.code, folder / "code")
    for path in own.glob("task_types/[!_]*"):  # the fork's own: not ours to allow
        path.unlink()
    lines = (
        "import json, sys",
        "import awslambdaric.bootstrap, boto3",
        "before = sorted(sys.modules)",
        f"import {function.handler.partition('.')[0]}",
        "print(json.dumps([before, sorted(sys.modules)]))",
    )
    environment = {**function.variables(), "PYTHONPATH": f"{own}:{function.layer or ''}"}
    command = [lambda_runtime.PYTHON, "-P", "-c", "\n".join(lines)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    before, after = json.loads(done.stdout)
    return _names(after) - _names(before)


def _names(modules: Iterable[str]) -> set[str]:
    """The modules, cut to as many parts as count. ``_`` begins what only its own package imports."""
    return {_cut(name) for name in modules if not name.startswith("_")}


def _cut(name: str) -> str:
    parts = max((count for prefix, count in DEEP.items() if f"{name}.".startswith(f"{prefix}.")), default=1)
    return ".".join(name.split(".")[:parts])


def allowed(function: Function) -> set[str]:
    kinds = [*(EVERY.items() if function.layer else ()), *ALLOWED[function.name].items()]
    return {f"serverless_tasks.{name}" if kind == "layer" else name for kind, names in kinds for name in names}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_function_imports_what_is_allowed(name: str, functions: dict[str, Function], tmp_path: Path):
    found = imported(functions[name], tmp_path)
    new = sorted(found - allowed(functions[name]))
    assert new == [], f"not in {FILE.name}: does a cold start have to pay for it?"
    unused = (
        allowed(functions[name]) - found - sys.stdlib_module_names
    )  # of which another version of Python may need more
    assert not unused, f"in {FILE.name}, but not imported"


def test_every_function_has_its_list(functions: dict[str, Function]):
    assert set(ALLOWED) == set(functions)
