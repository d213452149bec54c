"""What the launcher writes down for the gate."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from local.errors import LocalCloudError
from local.gate import table
from local.gate.dynamodb.grammar import RESERVED
from local.gate.dynamodb.tables import Table, partition_keys, shortened
from local.gate.rules import Rules
from local.paths import ROOT

ROLE = "arn:aws:iam::000000000000:role/stack-WorkRole"
OWN = "arn:aws:iam::000000000000:policy/stack-TaskPermissions"
WORK = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
THEIRS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TLS = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
DESCRIPTION = {
    "TableName": "stack-Tasks",
    "ItemCount": 1,
    "KeySchema": [{"AttributeName": "sk", "KeyType": "RANGE"}, {"AttributeName": "pk", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_tenant",
            "IndexSizeBytes": 1,
            "KeySchema": [{"AttributeName": "tenant", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
        },
        {
            "IndexName": "by_title",
            "KeySchema": [{"AttributeName": "title", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        },
    ],
}


class Engine:
    """What the launcher asks of the engine, and the answers; each service is this."""

    endpoint_url, region = "http://127.0.0.1:9", "us-east-1"

    def __init__(self, *attached, inline=WORK, bucket=TLS):
        self._attached = [{"PolicyArn": arn, "PolicyName": arn.rpartition("/")[2]} for arn in attached]
        self._inline, self._bucket = inline, bucket

    def __call__(self, service):
        return self

    def get_paginator(self, operation):
        return type("Pages", (), {"paginate": lambda _, **__: [getattr(self, f"_{operation}")()]})()

    def _list_stack_resources(self):
        kinds = {
            "Work": ("AWS::Lambda::Function", "stack-Work"),
            "TaskPermissions": ("AWS::IAM::ManagedPolicy", OWN),
            "Tasks": ("AWS::DynamoDB::Table", "stack-Tasks"),
            "Files": ("AWS::S3::Bucket", "stack-files"),
            "Jobs": ("AWS::SQS::Queue", "http://127.0.0.1:9/000000000000/stack-Jobs"),
        }
        names = ("ResourceType", "PhysicalResourceId")
        listed = [
            {"LogicalResourceId": name, "ResourceStatus": "CREATE_COMPLETE", **dict(zip(names, kind, strict=True))}
            for name, kind in kinds.items()
        ]
        return {"StackResourceSummaries": listed}

    def _get_account_authorization_details(self):
        policy = {"PolicyName": "own", "PolicyDocument": {"Statement": self._inline}}
        role = {"Arn": ROLE, "RolePolicyList": [policy], "AttachedManagedPolicies": self._attached}
        versions = [
            {"IsDefaultVersion": False, "Document": {}},
            {"IsDefaultVersion": True, "Document": {"Statement": [THEIRS]}},
        ]
        return {"RoleDetailList": [role], "Policies": [{"Arn": OWN, "PolicyVersionList": versions}]}

    def get_caller_identity(self):
        return {"Account": "000000000000"}

    def get_function_configuration(self, **_):
        return {"Role": ROLE}

    def describe_table(self, **_):
        return {"Table": DESCRIPTION}

    def get_bucket_policy(self, **_):
        foreign = {**TLS, "Principal": {"Service": "logging.s3.amazonaws.com"}}
        return {"Policy": json.dumps({"Statement": [self._bucket, foreign]})}


def test_a_function_has_the_statements_of_all_policies_of_its_role(tmp_path):
    table.write(tmp_path / "gate.json", Engine(OWN, "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"), "stack")
    written = json.loads((tmp_path / "gate.json").read_text())
    given = written["functions"]["stack-Work"]
    traces = {"Effect": "Allow", "Action": table.MANAGED["AWSXrayWriteOnlyAccess"], "Resource": "*"}
    assert given["statements"] == [WORK, THEIRS, traces]
    assert given["place"] == "TaskPermissions in template.yaml"
    assert written["resourceStatements"] == [TLS]
    assert written["names"] == {
        OWN: "!Ref TaskPermissions",
        "arn:aws:lambda:us-east-1:000000000000:function:stack-Work": "!GetAtt Work.Arn",
        "arn:aws:dynamodb:us-east-1:000000000000:table/stack-Tasks": "!GetAtt Tasks.Arn",
        "arn:aws:s3:::stack-files": "!GetAtt Files.Arn",
        "arn:aws:sqs:us-east-1:000000000000:stack-Jobs": "!GetAtt Jobs.Arn",
    }
    rules = Rules.of(written, "stack-Work")
    assert rules.place.partition_keys == {
        "stack-Tasks": "pk",
        "stack-Tasks/index/by_tenant": "tenant",
        "stack-Tasks/index/by_title": "title",
    }
    assert rules.caller.session == "arn:aws:sts::000000000000:assumed-role/stack-WorkRole/stack-Work"


def test_without_the_owners_policy_the_line_goes_to_the_functions_own():
    assert table.made(Engine(), "stack")["functions"]["stack-Work"]["place"] == "the Policies of Work in template.yaml"


@pytest.mark.parametrize("where", ["inline", "bucket"])
def test_a_condition_that_is_not_understood_stops_the_deployment(where):
    strange = {**TLS, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    with pytest.raises(LocalCloudError, match=r"does not understand the condition operator IpAddress.*LOCAL_GATE=off"):
        table.made(Engine(**{where: strange}), "stack")


@pytest.mark.parametrize("name", table.MANAGED)
def test_aws_own_policies_say_what_is_known_of_them_here(name):
    real = json.loads(aws_managed_policies_data)[name]["Document"]["Statement"]
    found = [action for each in real for action in each["Action"]]
    assert sorted(found) == sorted(table.MANAGED[name])
    assert {(each["Effect"], str(each["Resource"])) for each in real} <= {("Allow", "*"), ("Allow", "['*']")}


def test_others_of_aws_are_looked_up():
    assert "s3:Get*" in table.of_aws("AmazonS3ReadOnlyAccess")[0]["Action"]
    with pytest.raises(LocalCloudError, match="NoSuchPolicy of AWS is not known here"):
        table.of_aws("NoSuchPolicy")


def test_the_gate_can_be_left_out(tmp_path, monkeypatch):
    assert table.environment(tmp_path)["LOCAL_GATE_RULES"] == str(tmp_path / "engine" / "gate.json")
    monkeypatch.setenv("LOCAL_GATE", "off")
    assert [*table.environment(tmp_path)] == ["PYTHONPATH"]  # a process has its own streams all the same


def _function(tmp_path, code, **more):
    """A function's process, as the engine starts it."""
    environment = {"PATH": os.environ["PATH"], "AWS_LAMBDA_FUNCTION_NAME": "f", **table.environment(tmp_path), **more}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )


def test_the_gate_is_in_every_function(tmp_path):
    code = "import sys, botocore.handlers; print(*[each[0] for each in botocore.handlers.BUILTIN_HANDLERS[-3:]])"
    said = _function(tmp_path, f"{code}; print('local' in sys.modules)")
    assert said.stdout.split() == ["before-parameter-build", "before-call", "after-call.s3", "False"], said.stderr


def test_a_function_that_cannot_have_the_gate_does_not_start(tmp_path):
    said = _function(tmp_path, "print('it runs')", LOCAL_TROUBLE="no such mode")
    assert (said.returncode == 0, said.stdout) == (False, "")
    assert "the gate of the local cloud cannot be installed" in said.stderr


def test_what_brings_the_gate_into_functions_is_part_of_the_repository(tmp_path, monkeypatch):
    module = Path(table.environment(tmp_path)["PYTHONPATH"]) / "sitecustomize.py"
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()}
    assert not ignored & {*module.relative_to(ROOT).parts}
    monkeypatch.setattr(table, "_STARTUP", tmp_path)
    with pytest.raises(LocalCloudError, match=r"sitecustomize\.py is missing"):
        table.environment(tmp_path)


def test_a_table_is_remembered_by_its_keys_and_indexes():
    kept = shortened(DESCRIPTION)
    assert "ItemCount" not in kept
    found = Table.of(kept)
    assert found == Table.of(DESCRIPTION)
    assert found.keys == ("pk", "sk")
    assert found.indexes["by_tenant"].attributes == {"pk", "sk", "tenant", "title"}
    assert found.indexes["by_title"].attributes is None
    assert found.indexed == {"tenant", "title"}
    assert partition_keys({"t": found})["t/index/by_title"] == "title"


def test_the_reserved_words_are_those_of_the_other_engines():
    from ministack.services._dynamodb_keywords import AWS_KEYWORDS
    from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

    assert RESERVED == {*AWS_KEYWORDS} == {*ReservedKeywords.get_reserved_keywords()}
