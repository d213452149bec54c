"""The linters look at what they are meant to see, and every suppression still suppresses something."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lint import states
from local import template as templates
from local.paths import ROOT, TEMPLATE

CFN_LINT = Path(sys.executable).with_name("cfn-lint")
CHECKOV = ROOT / ".venv-lint" / "bin" / "checkov"
SUPPRESSIONS = ("cfn-lint", "checkov")
MACHINE = "statemachine/fan_out.asl.json"
LANE = "statemachine/fast_lane.asl.json"


def run(*command: str | Path, directory: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return done.stdout


def cfn_lint(template: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(CFN_LINT, "--format", "json", "--template", template))
    return found


def suppressed(tool: str) -> dict[str, Any]:
    """What stands under the tool's name in the metadata of each resource, or of the template."""
    whole = templates.load(TEMPLATE)
    metadata = {name: given.get("Metadata", {}) for name, given in {**whole["Resources"], "": whole}.items()}
    return {name: given[tool] for name, given in metadata.items() if tool in given}


@pytest.fixture
def bare(tmp_path):
    """The template, in which no linter finds its suppressions."""
    text = TEMPLATE.read_text(encoding="utf-8")
    for tool in SUPPRESSIONS:
        text = re.sub(rf"^( +){tool}:$", rf"\1not-{tool}:", text, flags=re.MULTILINE)
    (tmp_path / "template.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "template.yaml"


def unexplained(file: Path) -> list[str]:
    """Rules in a list that have no comment behind them, nor one above that they share."""
    found, shared = [], False
    for line in file.read_text(encoding="utf-8").splitlines():
        rule = re.match(r" *- ([A-Z]+[A-Z_]*\d+)( #.*)?$", line)
        if rule and not (shared or rule[2]):
            found.append(rule[1])
        shared = line.lstrip().startswith("#") or bool(rule and shared and not rule[2])
    return found


def test_every_suppression_has_its_reason():
    assert [name for name in (TEMPLATE, ROOT / ".checkov.yaml") if unexplained(name)] == []
    given = [skip for metadata in suppressed("checkov").values() for skip in metadata["skip"]]
    assert given
    assert all(skip["comment"] for skip in given)


def test_a_reason_that_is_missing_is_noticed(tmp_path):
    rules = "# Why.\n- CKV_AWS_1\n- CKV_AWS_2\n- E1001 # why\n- E1002\n\n- E1003\n"
    (tmp_path / "rules.yaml").write_text(rules, encoding="utf-8")
    assert unexplained(tmp_path / "rules.yaml") == ["E1002", "E1003"]


# ------------------------------------------------------------------------------------------------ cfn-lint


def test_cfn_lint_knows_all_rules(tmp_path):
    """Its own with those that only inform, those for serverless applications, and the house's."""
    template = tmp_path / "template.yaml"
    template.write_text("""
Transform: AWS::Serverless-2016-10-31
Resources:
  Queue:
    Type: AWS::SQS::Queue
  Function:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: app.handler, InlineCode: "", MemorySize: 256, Timeout: 30}
""")
    assert {"I3011", "ES6000", "EH1001"} <= {match["Rule"]["Id"] for match in cfn_lint(template)}


def test_every_suppression_of_cfn_lint_is_needed(bare):
    matches = cfn_lint(bare)
    assert matches
    for name, given in suppressed("cfn-lint").items():
        there = [match for match in matches if not name or name in match["Location"]["Path"]]
        needed = {match["Rule"]["Id"] for match in there}
        assert set(given["config"]["ignore_checks"]) - needed == set(), name or "the whole template"


# ------------------------------------------------------------------------------------------------ checkov


@pytest.mark.skipif(not CHECKOV.exists(), reason="`make setup` installs checkov")
def test_every_suppression_of_checkov_is_needed(bare):
    options = ("--framework", "cloudformation", "--skip-download", "--output", "json")
    # There, it does not find .checkov.yaml.
    report = json.loads(run(CHECKOV, "--file", bare, *options, directory=bare.parent))
    failed = {(check["check_id"], check["resource"].split(".")[1]) for check in report["results"]["failed_checks"]}
    config = yaml.safe_load((ROOT / ".checkov.yaml").read_text(encoding="utf-8"))
    assert set(config["skip-check"]) - {check for check, _ in failed} == set()
    for name, given in suppressed("checkov").items():
        assert {(skip["id"], name) for skip in given["skip"]} - failed == set()


# ------------------------------------------------------------------------------------------------ state machine


@pytest.fixture
def copy(tmp_path):
    """A folder with the template and its state machines."""
    for name in ("template.yaml", MACHINE, LANE):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        (MACHINE, '"Next": "WhatNext"', '"Next": "Nowhere"', 'No state found named "Nowhere"'),
        (MACHINE, '"SecondsPath"', '"SecondsPaht"', 'Field "SecondsPaht" not allowed'),
        (MACHINE, '"$.plan.seconds"', '"plan.seconds"', "should be a Reference Path"),
        (MACHINE, "${PlanFunctionArn}", "${Planner}", "${Planner} is used: give it in DefinitionSubstitutions"),
        (MACHINE, '"${PlanFunctionArn}"', '"arn:aws:x"', "DefinitionSubstitutions gives PlanFunctionArn"),
        (MACHINE, '"MaxConcurrency": ${', '"MaxConcurrency": "a${', "Problem reading/parsing JSON"),
        ("template.yaml", "        FanOutConcurrency: !Ref", "        FanOut: !Ref", "${FanOutConcurrency} is used"),
    ],
)
def test_mistakes_in_the_state_machine_are_found(copy, capsys, name, old, new, problem):
    text = (copy / name).read_text(encoding="utf-8")
    assert old in text
    (copy / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert states.main([str(copy / "template.yaml")]) == 1
    assert problem in capsys.readouterr().out


def test_the_state_machine_is_right(capsys):
    assert states.main([str(TEMPLATE)]) == 0
    assert capsys.readouterr().out == ""
