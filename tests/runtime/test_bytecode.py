"""The bytecode of the layer and of the API is complete, is what runs, and is the same wherever it is built."""

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local.artifacts import zipped
from local.paths import ROOT
from local.settings import runtime
from tests.support import events
from tests.support.lambda_runtime import Function, FunctionFailed, Start

SOURCE = ROOT / "layers" / "serverless_tasks"
UNCHECKED = 0b01
"""Second word of a file of bytecode that is used without a look at its source (PEP 552)."""
NO_SOURCE = 'raise RuntimeError("compiled at a start")\n'


@pytest.fixture
def hollow(build: Path, tmp_path: Path) -> Path:
    """The layer as another unpacking leaves it, with sources that must not be looked at."""
    copy = tmp_path / "opt" / "python"
    shutil.copytree(build / "TasksLayer" / "python", copy)
    for path in copy.rglob("*.py"):
        path.write_text(NO_SOURCE)
    return copy


@pytest.mark.parametrize(
    ("part", "module"),
    [("TasksLayer", "python/serverless_tasks/core/task/keys.py"), ("ApiFunction", "request_models.py")],
)
def test_every_module_has_bytecode_that_needs_no_source(part: str, module: str, build: Path):
    sources = sorted((build / part).rglob("*.py"))
    assert build / part / module in sources
    flags = {path: Path(importlib.util.cache_from_source(path)).read_bytes()[4:8] for path in sources}
    assert {int.from_bytes(word, "little") for word in flags.values()} == {UNCHECKED}


@pytest.mark.parametrize("name", ["RelayFunction", "QueueFunction"])
def test_functions_run_on_the_layers_bytecode(name: str, hollow: Path, start: Start, functions: dict[str, Function]):
    answer = start(replace(functions[name], name="Hollow", layer=hollow)).invoke({"Records": []})
    assert answer == {"batchItemFailures": []}


def test_the_api_runs_on_bytecode(hollow: Path, tmp_path: Path, start: Start, functions: dict[str, Function]):
    own = shutil.copytree(functions["ApiFunction"].code, tmp_path / "task")
    for path in own.glob("*.py"):
        path.write_text(NO_SOURCE)
    api = start(replace(functions["ApiFunction"], name="Hollow", code=own, layer=hollow))
    assert api.invoke(events.load("api-list-tasks"))["statusCode"] == 200


def test_without_bytecode_the_sources_run(hollow: Path, start: Start, functions: dict[str, Function]):
    for path in hollow.rglob("*.pyc"):
        path.unlink()
    with pytest.raises(FunctionFailed, match="compiled at a start"):
        start(replace(functions["RelayFunction"], name="Sources", layer=hollow)).invoke({"Records": []})


def test_the_layer_is_the_same_wherever_it_is_built(build: Path, tmp_path: Path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(SOURCE, copy)
    stale = copy / "serverless_tasks" / "__pycache__" / f"gone.{sys.implementation.cache_tag}.pyc"
    stale.parent.mkdir(exist_ok=True)
    stale.write_bytes(b"of a module that is no more")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHON_RUNTIME": runtime(), "ARTIFACTS_DIR": str(tmp_path / "built")}
    subprocess.run(["make", "build-TasksLayer"], cwd=copy, env=environment, check=True, capture_output=True)
    assert zipped(tmp_path / "built") == zipped(build / "TasksLayer")
