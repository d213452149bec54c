"""Each function imports what ``imports.toml`` allows, and reads no more of the layer: every cold start pays for it."""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from tests.support import lambda_runtime
from tests.support.lambda_runtime import Function

FILE = Path(__file__).with_name("imports.toml")
ALLOWED = tomllib.loads(FILE.read_text(encoding="utf-8"))
EVERY = ALLOWED.pop("every")
SIZES, CEILINGS = ALLOWED.pop("sizes"), ALLOWED.pop("ceilings")
ROOM = {"modules": 1, "bytes": 6_000}
"""A size that is further below its figure asks for a lower figure."""
DEEP = {"serverless_tasks": 4, "aws_lambda_powertools": 2, "aws_lambda_powertools.utilities": 3}
"""How many parts of a name count, of packages of which no function needs all."""

pytestmark = pytest.mark.skipif(not lambda_runtime.RUNS_HERE, reason="the artifacts are built for Lambda's Linux")


@pytest.fixture(scope="module")
def imported(
    functions: dict[str, Function], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[set[str], list[int]]]:
    """``imported(name)`` is :func:`_imported` for the function of this name, asked for once."""
    return cache(lambda name: _imported(functions[name], tmp_path_factory.mktemp(name)))


def _imported(function: Function, folder: Path) -> tuple[set[str], list[int]]:
    """The modules that a start imports, beyond those that Lambda has loaded before and boto3; bytes of the layer's."""
    own = shutil.copytree(function.code, folder / "code")
    for path in own.glob("task_types/[!_]*"):  # the fork's own: not ours to allow
        path.unlink()
    lines = (
        "import json, sys",
        "import awslambdaric.bootstrap, boto3",
        "before = sorted(sys.modules)",
        f"import {function.handler.partition('.')[0]}",
        "ours = [module.__file__ for name, module in sys.modules.items() if name.startswith('serverless_tasks')]",
        "print(json.dumps([before, sorted(sys.modules), ours]))",
    )
    environment = {**function.variables(), "PYTHONPATH": f"{own}:{function.layer or ''}"}
    command = [lambda_runtime.PYTHON, "-P", "-c", "\n".join(lines)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    before, after, ours = json.loads(done.stdout)
    return _names(after) - _names(before), [Path(file).stat().st_size for file in ours]


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
def test_a_function_imports_what_is_allowed(name: str, functions: dict[str, Function], imported):
    found, _ = imported(name)
    new = sorted(found - allowed(functions[name]))
    assert new == [], f"not in {FILE.name}: does a cold start have to pay for it?"
    unused = (
        allowed(functions[name]) - found - sys.stdlib_module_names
    )  # of which another version of Python may need more
    assert not unused, f"in {FILE.name}, but not imported"


@pytest.mark.parametrize("name", SIZES)
def test_the_layer_is_as_large_as_it_is_said_to_be(name: str, imported):
    _, sizes = imported(name)
    found = {"modules": len(sizes), "bytes": sum(sizes)}
    for unit, count in found.items():
        assert count <= SIZES[name][unit], f"a cold start reads more {unit} of the layer: {found}"
        assert count >= SIZES[name][unit] - ROOM[unit], f"lower the figures in {FILE.name}: {found}"


def test_no_figure_is_above_its_ceiling():
    assert set(SIZES) == set(CEILINGS)
    above = [(name, unit) for name in SIZES for unit in ROOM if SIZES[name][unit] > CEILINGS[name][unit]]
    assert above == [], "import it where it is needed, or write less"


def test_every_function_has_its_list(functions: dict[str, Function]):
    assert set(ALLOWED) == set(functions)
