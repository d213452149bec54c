"""The state machine before asl-validator. It knows paths and ARNs; of what it does not know it says nothing."""

import json
import re
import subprocess

import pytest

from local.paths import ROOT

pytestmark = pytest.mark.slow

DEFINITION = ROOT / "statemachine" / "fan_out.asl.json"


def judged(judges, definition, directory):
    file = directory / "definition.json"
    file.write_text(json.dumps(definition), encoding="utf-8")
    command = [str(judges / "asl-validator"), "--json-path", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def definition():
    text = re.sub(r'"\$\{\w+Arn\}"', '"arn:aws:lambda:us-east-1:123456789012:function:any"', DEFINITION.read_text())
    return json.loads(re.sub(r"\$\{\w+\}", "5", text))


def test_the_definition_is_valid(judges, definition, tmp_path):
    done = judged(judges, definition, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda definition: definition.update(StartAt="Nowhere"),
        lambda definition: next(iter(definition["States"].values())).update(Next="Nowhere"),
        lambda definition: next(iter(definition["States"].values())).update(Type="Tusk"),
        lambda definition: next(iter(definition["States"].values())).update(ResultPath="no path"),
    ],
)
def test_a_wrong_one_is_not(judges, definition, tmp_path, change):
    change(definition)
    assert judged(judges, definition, tmp_path).returncode != 0
