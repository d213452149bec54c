"""The guard lets this repository's template pass and stops at what the engine ignores."""

import pytest

from local import guard, settings, template
from local.errors import LocalCloudError
from local.paths import TEMPLATE


def processor(**fields):
    return {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "A", "States": {"A": {"Type": "Succeed"}}, **fields}


def machine(state, **fields):
    return {"StartAt": "S", "States": {"S": state}, **fields}


def problems(definition):
    resource = {"Type": "AWS::Serverless::StateMachine", "Properties": {"Definition": definition}}
    return list(guard.of_state_machines({"Resources": {"M": resource}}, TEMPLATE.parent))


def test_passes_the_template_of_this_repository():
    guard.check(TEMPLATE, settings.read())


def test_stops_with_every_property_that_is_ignored(tmp_path):
    changed = tmp_path / "template.yaml"
    changed.write_text(
        """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Work:
            Type: AWS::Serverless::Function
            Properties: {CodeUri: src, Handler: a.b, Runtime: python3.13, RecursiveLoop: Allow}
          Table:
            Type: AWS::DynamoDB::Table
            Properties: {ResourcePolicy: {}, BillingMode: PAY_PER_REQUEST}
          Other:
            Type: AWS::SSM::Parameter
            Properties: {Anything: 1}
        """
    )
    with pytest.raises(LocalCloudError) as stopped:
        guard.check(changed, settings.read())
    listed = [line.strip() for line in str(stopped.value).splitlines()[1:-1]]
    assert sorted(listed) == [
        "Table (AWS::DynamoDB::Table): ResourcePolicy",
        "Work (AWS::Lambda::Function): RecursiveLoop",
    ]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (machine({"Type": "Pass"}, TimeoutSeconds=5), ["M: TimeoutSeconds"]),
        (machine({"Type": "Task", "Resource": "r", "HeartbeatSeconds": 5}), ["M: S: HeartbeatSeconds"]),
        (machine({"Type": "Map", "ItemProcessor": processor(), "ItemBatcher": {}}), ["M: S: ItemBatcher"]),
        (machine({"Type": "Map", "ItemProcessor": processor(), "ResultWriter": {}}), ["M: S: ResultWriter"]),
        (
            machine({"Type": "Map", "ItemProcessor": processor(), "MaxConcurrencyPath": "$"}),
            ["M: S: MaxConcurrencyPath"],
        ),
        (machine({"Type": "Map", "ItemProcessor": processor(TimeoutSeconds=1)}), ["M: S: TimeoutSeconds"]),
        (
            machine({"Type": "Map", "ItemProcessor": processor()}, QueryLanguage="JSONata"),
            ["M: S: JSONata in a Distributed Map"],
        ),
        (machine({"Type": "Pass"}, QueryLanguage="JSONata"), []),
        (machine({"Type": "New"}), ["M: S: type New"]),
        (machine({"Type": "Parallel", "Branches": [machine({"Type": "Wait", "X": 1})]}), ["M: S: S: X"]),
        (machine({"Type": "Task", "Resource": "r", "Retry": [{"ErrorEquals": ["x"], "MaxDelaySeconds": 1}]}), []),
        (machine({"Type": "Task", "Resource": "r", "Retry": [{"Until": 1}]}), ["M: S: Retry: Until"]),
    ],
)
def test_looks_into_state_machines(definition, expected):
    assert problems(definition) == expected


@pytest.mark.parametrize("text", ["a: [", "Resources: {F: {Type: AWS::Serverless::Function, Properties: {}}}"])
def test_a_template_that_cannot_be_read_is_named(tmp_path, text):
    broken = tmp_path / "template.yaml"
    broken.write_text(text)
    with pytest.raises(LocalCloudError, match=r"template\.yaml cannot be read"):
        guard.check(broken, settings.read())


def test_the_short_forms_of_functions_are_read(tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text("[!Ref A, !GetAtt B.Arn, !Sub 'x${A}', !If [C, 1, !Ref 'AWS::NoValue'], !Equals [!Ref A, b]]")
    assert template.load(file) == [
        {"Ref": "A"},
        {"Fn::GetAtt": ["B", "Arn"]},
        {"Fn::Sub": "x${A}"},
        {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]},
        {"Fn::Equals": [{"Ref": "A"}, "b"]},
    ]
