"""The runtime test can fail: what Lambda would not find is not found here either."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.lambda_runtime import PYTHON, Function, FunctionFailed, Start

PROBE = """
import importlib.util, sys

def handler(event, context):
    return {"path": sys.path, "found": [name for name in event if importlib.util.find_spec(name)]}
"""


def test_finds_code_then_layer_then_what_lambda_has(start: Start, functions: dict[str, Function], tmp_path: Path):
    (tmp_path / "app.py").write_text(PROBE)
    layer = functions["RelayFunction"].layer
    assert layer
    probe = start(Function("Probe", "app.handler", tmp_path, layer))
    ours = ["ministack", "moto", "cfnlint", "samcli", "rich"]
    answer = probe.invoke(["boto3", "aws_lambda_powertools", "serverless_tasks", *ours])
    assert answer["found"] == ["boto3", "aws_lambda_powertools", "serverless_tasks"]
    path = [Path(entry) for entry in answer["path"]]
    [packages] = [entry for entry in path if entry.name == "site-packages"]
    assert packages.is_relative_to(PYTHON.parents[1])
    assert path.index(tmp_path) < path.index(layer) < path.index(packages)


def test_a_function_without_its_layer_fails(start: Start, functions: dict[str, Function], tmp_path: Path):
    bare = replace(functions["RelayFunction"], name="Bare", layer=None)
    with pytest.raises(FunctionFailed, match="No module named 'serverless_tasks'") as failed:
        start(bare).invoke({"Records": []})
    assert failed.value.error_type == "Runtime.ImportModuleError"


def test_a_package_missing_from_a_layer_fails(start: Start, functions: dict[str, Function], tmp_path: Path):
    whole = functions["ApiFunction"]
    assert whole.layer
    layer = shutil.copytree(whole.layer, tmp_path / "layer", ignore=shutil.ignore_patterns("pydantic"))
    with pytest.raises(FunctionFailed, match="No module named 'pydantic'") as failed:
        start(replace(whole, name="Incomplete", layer=layer)).invoke({})
    assert failed.value.error_type == "Runtime.ImportModuleError"


def test_a_task_type_that_imports_what_only_a_developer_has_fails(
    start: Start, functions: dict[str, Function], tmp_path: Path
):
    code = tmp_path / "code"
    shutil.copytree(functions["QueueFunction"].code, code)
    (code / "task_types" / "forgotten.py").write_text("import rich\n")
    with pytest.raises(FunctionFailed, match="No module named 'rich'") as failed:
        start(replace(functions["QueueFunction"], name="Forgotten", code=code)).invoke({"Records": []})
    assert failed.value.error_type == "RuntimeError"  # as it hands messages back, which Lambda would not
