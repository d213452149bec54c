"""Each function imports what ``imports.toml`` allows, and reads no more than it says: every cold start pays for it.

It pays for each module, for its bytes, and most for a source without bytecode, which is compiled at every start.
"""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from tests.support import lambda_runtime
from tests.support.lambda_runtime import Function

FILE = Path(__file__).with_name("imports.toml")
ALLOWED = tomllib.loads(FILE.read_text(encoding="utf-8"))
EVERY = ALLOWED.pop("every")
STARTS, SIZES, CEILINGS = ALLOWED.pop("starts"), ALLOWED.pop("sizes"), ALLOWED.pop("ceilings")
ROOM = {"modules": 1, "bytes": 6_000, "compiled": 1_000}
"""A size that is further below its figure asks for a lower figure."""
DEEP = {"serverless_tasks": 4, "aws_lambda_powertools": 2, "aws_lambda_powertools.utilities": 3}
"""How many parts of a name count, of packages of which no function needs all."""

pytestmark = pytest.mark.skipif(not lambda_runtime.RUNS_HERE, reason="the artifacts are built for Lambda's Linux")


@dataclass(frozen=True)
class Module:
    """One that a function imports from its own folder or from its layers."""

    bytes: int
    """Of its source."""
    compiled: bool
    """At every start, since it has no bytecode."""


@dataclass(frozen=True)
class Start:
    """What a start imports, beyond those that Lambda has loaded before and boto3."""

    names: set[str]
    shipped: dict[str, Module]


@pytest.fixture(scope="module")
def imported(functions: dict[str, Function], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Start]:
    """``imported(name)`` is :func:`_imported` for the function of this name, asked for once."""
    return cache(lambda name: _imported(functions[name], tmp_path_factory.mktemp(name)))


def _imported(function: Function, folder: Path) -> Start:
    own = shutil.copytree(function.code, folder / "code")
    for path in own.glob("task_types/[!_]*"):  # the fork's own: not ours to allow
        path.unlink()
    lines = (
        "import json, sys",
        "import awslambdaric.bootstrap, boto3",
        "before = sorted(sys.modules)",
        f"import {function.handler.partition('.')[0]}",
        "specs = {name: module.__spec__ for name, module in sys.modules.items() if module.__spec__}",
        "files = {name: [spec.origin, spec.cached] for name, spec in specs.items() if spec.has_location}",
        "print(json.dumps([before, sorted(sys.modules), files]))",
    )
    environment = replace(function, code=own).variables()
    command = [lambda_runtime.PYTHON, "-P", "-c", "\n".join(lines)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    before, after, files = json.loads(done.stdout)
    places = [Path(place) for place in environment["PYTHONPATH"].split(":")]
    shipped = {
        name: Module(Path(source).stat().st_size, not Path(bytecode).exists())
        for name, (source, bytecode) in files.items()
        if bytecode and any(place in Path(source).parents for place in places)
    }
    return Start(_names(after) - _names(before), shipped)


def _names(modules: Iterable[str]) -> set[str]:
    """The modules, cut to as many parts as count. ``_`` begins what only its own package imports."""
    return {_cut(name) for name in modules if not name.startswith("_")}


def _cut(name: str) -> str:
    parts = max((count for prefix, count in DEEP.items() if f"{name}.".startswith(f"{prefix}.")), default=1)
    return ".".join(name.split(".")[:parts])


def allowed(function: Function) -> set[str]:
    kinds = [*(EVERY.items() if function.layer else ()), *ALLOWED[function.name].items()]
    return {f"serverless_tasks.{name}" if kind == "layer" else name for kind, names in kinds for name in names}


def _sums(modules: Iterable[Module]) -> dict[str, int]:
    found = [*modules]
    compiled = sum(module.bytes for module in found if module.compiled)
    return {"modules": len(found), "bytes": sum(module.bytes for module in found), "compiled": compiled}


def _is_as_said(found: dict[str, int], said: dict[str, int]) -> None:
    for unit, figure in said.items():
        assert found[unit] <= figure, f"a cold start reads more {unit}: {found}"
        assert found[unit] >= figure - ROOM[unit], f"lower the figures in {FILE.name}: {found}"


@pytest.mark.parametrize("name", ALLOWED)
def test_a_function_imports_what_is_allowed(name: str, functions: dict[str, Function], imported):
    found = imported(name).names
    new = sorted(found - allowed(functions[name]))
    assert new == [], f"not in {FILE.name}: does a cold start have to pay for it?"
    unused = (
        allowed(functions[name]) - found - sys.stdlib_module_names
    )  # of which another version of Python may need more
    assert not unused, f"in {FILE.name}, but not imported"


def _is_of_the_layer(module: str) -> bool:
    return module.partition(".")[0] == "serverless_tasks"


@pytest.mark.parametrize("name", STARTS)
def test_a_start_reads_and_compiles_what_it_is_said_to(name: str, imported):
    others = [module for at, module in imported(name).shipped.items() if not _is_of_the_layer(at)]
    _is_as_said(_sums(others), STARTS[name])


@pytest.mark.parametrize("name", SIZES)
def test_the_layer_is_as_large_as_it_is_said_to_be(name: str, imported):
    ours = [module for at, module in imported(name).shipped.items() if _is_of_the_layer(at)]
    _is_as_said(_sums(ours), {"compiled": 0, **SIZES[name]})


def test_no_figure_is_above_its_ceiling():
    assert set(SIZES) == set(CEILINGS)
    above = [(name, unit) for name, most in CEILINGS.items() for unit in most if SIZES[name][unit] > most[unit]]
    assert above == [], "import it where it is needed, or write less"


def test_every_function_has_its_list(functions: dict[str, Function]):
    assert set(ALLOWED) == set(STARTS) == set(functions)
