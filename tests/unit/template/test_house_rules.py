"""Each rule of lint/rules fails on a template that breaks it, and lets one pass that does not."""

import re
from typing import Any

import pytest
from cfnlint.template import Template

from lint.rules import house
from local.paths import ROOT

FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Description": "Works.",
        "Timeout": 900,
        "MemorySize": 512,
        "LoggingConfig": {"LogGroup": {"Ref": "Logs"}},
        "TracingConfig": {"Mode": {"Ref": "Tracing"}},
    },
}
LOGS = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 5400}}
MAPPING = {
    "Type": "AWS::Lambda::EventSourceMapping",
    "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}, "FunctionName": {"Ref": "Worker"}},
}
GOOD = {"Worker": FUNCTION, "Logs": LOGS, "Queue": QUEUE, "Mapping": MAPPING}


def found(rule: Any, resources: dict[str, Any], **sections: Any) -> list[str]:
    parameters = {"Parameters": {"Tracing": {"Type": "String", "Description": "Whether."}}}
    matches = rule().match(Template("template.yaml", {**parameters, "Resources": resources, **sections}))
    return [f"{match.path[-1]}: {match.message}" for match in matches]


def changed(resource: dict[str, Any], **properties: Any) -> dict[str, Any]:
    kept = {name: value for name, value in {**resource["Properties"], **properties}.items() if value is not None}
    return {**resource, "Properties": kept}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {
        "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": [*statements]}}}
    }


def allow(action: Any, resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


RULES = [
    rule for rule in house.__dict__.values() if isinstance(rule, type) and getattr(rule, "id", "").startswith("EH")
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_good_template_passes(rule):
    assert found(rule, GOOD) == []


def test_the_page_lists_them():
    page = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(EH\d+)` \| (.+) \|$", page, re.MULTILINE)
    assert listed == [(rule.id, rule.shortdesc) for rule in RULES]


@pytest.mark.parametrize("name", ["Description", "Timeout", "MemorySize"])
def test_a_function_is_written_out(name):
    [problem] = found(house.FunctionIsWrittenOut, {"Worker": changed(FUNCTION, **{name: None})})
    assert problem == f"Worker: Function Worker has no {name}: give it one."


@pytest.mark.parametrize(
    "resources",
    [
        {"Worker": FUNCTION},
        {"Worker": FUNCTION, "Logs": changed(LOGS, RetentionInDays=None)},
        {"Worker": FUNCTION, "Logs": QUEUE},
        {"Worker": changed(FUNCTION, LoggingConfig=None), "Logs": LOGS},
        {"Worker": changed(FUNCTION, LoggingConfig={"LogGroup": "a-name"}), "Logs": LOGS},
    ],
    ids=["not here", "keeps for ever", "no log group", "none given", "by name"],
)
def test_logs_end(resources):
    [problem] = found(house.LogsEnd, resources)
    assert problem.startswith("Worker: Function Worker needs LoggingConfig.LogGroup")


@pytest.mark.parametrize("tracing", [None, {"Mode": "PassThrough"}, {"Mode": {"Ref": "Worker"}}])
def test_functions_are_traced(tracing):
    assert len(found(house.FunctionsAreTraced, {"Worker": changed(FUNCTION, TracingConfig=tracing)})) == 1


def test_a_function_may_be_traced_for_good():
    assert found(house.FunctionsAreTraced, {"Worker": changed(FUNCTION, TracingConfig={"Mode": "Active"})}) == []


def test_parameters_and_outputs_are_described():
    sections = {"Parameters": {"Size": {"Type": "Number"}}, "Outputs": {"Name": {"Value": "x", "Description": ""}}}
    assert found(house.EverythingIsDescribed, GOOD, **sections) == [
        "Size: Parameter Size has no Description: give it one.",
        "Name: Output Name has no Description: give it one.",
    ]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (allow("*", "arn:x"), "Policy allows *: name the actions."),
        (allow(["s3:*"], "arn:x"), "Policy allows s3:*: name the actions."),
        (allow(["s3:GetObject", "s3:Put*"], "arn:x"), "Policy allows s3:Put*: name the actions."),
        ({"Effect": "Allow", "NotAction": "s3:GetObject", "Resource": "arn:x"}, "Policy allows *: name the actions."),
        (allow("s3:GetObject", "*"), 'Policy allows s3:GetObject on "*": name the resources.'),
        (allow("s3:GetObject", ["arn:x", "*"]), 'Policy allows s3:GetObject on "*": name the resources.'),
        (
            allow(["xray:PutTraceSegments", "s3:GetObject"], "*"),
            'Policy allows xray:PutTraceSegments, s3:GetObject on "*": name the resources.',
        ),
        (
            {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:x"},
            'Policy allows s3:GetObject on "*": name the resources.',
        ),
    ],
)
def test_permissions_name_things(statement, problem):
    conditional = {"Fn::If": ["Sometimes", statement, {"Ref": "AWS::NoValue"}]}
    assert found(house.PermissionsNameThings, policy(statement)) == [f"Policy: {problem}"]
    assert found(house.PermissionsNameThings, policy(conditional)) == [f"Policy: {problem}"]


@pytest.mark.parametrize(
    "statement",
    [
        allow("s3:GetObject", {"Fn::Sub": "${Bucket.Arn}/*"}),
        allow("sts:GetCallerIdentity", "*"),
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    ],
    ids=["named", "cannot be named", "denied", "says who"],
)
def test_permissions_that_pass(statement):
    assert found(house.PermissionsNameThings, policy(statement)) == []


@pytest.mark.parametrize("source", [{"Fn::GetAtt": ["Queue", "Arn"]}, {"Fn::GetAtt": "Queue.Arn"}])
@pytest.mark.parametrize("function", [{"Ref": "Worker"}, {"Ref": "Alias"}, {"Fn::GetAtt": ["Worker", "Arn"]}])
def test_messages_stay_hidden(source, function):
    alias = {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Worker"}}}
    mapping = changed(MAPPING, EventSourceArn=source, FunctionName=function)
    resources = {**GOOD, "Alias": alias, "Mapping": mapping}
    assert found(house.MessagesStayHidden, resources) == []
    resources["Queue"] = changed(QUEUE, VisibilityTimeout=5399)
    [problem] = found(house.MessagesStayHidden, resources)
    assert problem == "Queue: Queue Queue needs a VisibilityTimeout of at least 5400 for Worker."


def test_defaults_of_aws_count():
    resources = {**GOOD, "Queue": changed(QUEUE, VisibilityTimeout=None)}
    assert len(found(house.MessagesStayHidden, resources)) == 1
    assert found(house.MessagesStayHidden, {**resources, "Worker": changed(FUNCTION, Timeout=None)}) == []


@pytest.mark.parametrize(("kind", "name"), house.NAMES.items())
def test_stacks_live_side_by_side(kind, name):
    fixed = {"Type": kind, "Properties": {name: "tasks"}}
    assert found(house.StacksLiveSideBySide, {"One": fixed}) == [
        f"One: {name} of One is fixed: leave it out, or put ${{AWS::StackName}} in."
    ]
    assert (
        found(house.StacksLiveSideBySide, {"One": changed(fixed, **{name: {"Fn::Sub": "${AWS::StackName}-x"}})}) == []
    )
