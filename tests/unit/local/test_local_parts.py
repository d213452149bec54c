"""The parts of the launcher that only compute: parameters, isolation, values, routes, archives, log lines."""

import io
import json
import os
import sys
import tomllib
import zipfile
from collections import Counter
from unittest.mock import Mock

import boto3
import pytest
from moto import mock_aws

from local import artifacts, deployment, isolation, logs, sam, settings, wiring
from local.errors import LocalCloudError
from local.paths import SAM_CONFIG
from local.template import Resolver


def test_parameters_are_those_of_samconfig_with_this_machines_own_on_top():
    read = settings.read(overrides={"RetentionDays": "2"})
    section = tomllib.loads(SAM_CONFIG.read_text(encoding="utf-8"))[settings.ENVIRONMENT]["deploy"]["parameters"]
    assert read.stack_name == section["stack_name"]
    assert read.parameters["PythonRuntime"] == f"python3.{sys.version_info.minor}"
    assert read.parameters["Architecture"] in ("arm64", "x86_64")
    assert read.parameters["RetentionDays"] == "2"
    assert "FanOutConcurrency=8" in read.parameter_overrides()


def test_a_processor_that_lambda_has_not_is_named(monkeypatch):
    monkeypatch.setattr(settings.platform, "machine", lambda: "riscv64")
    with pytest.raises(LocalCloudError, match="riscv64"):
        settings.architecture()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1/a", "http://[::1]:1"])
def test_loopback_is_let_through(url):
    assert isolation.require_loopback(url) == url


@pytest.mark.parametrize(
    "url",
    ["https://sqs.us-east-1.amazonaws.com", "http://10.0.0.1", "http://localhost.example.com", "https://127.0.0.1", ""],
)
def test_anything_else_is_refused(url):
    with pytest.raises(LocalCloudError, match="refused"):
        isolation.require_loopback(url)


def test_nothing_of_a_real_profile_is_passed_on(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "real")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://real.example.com")
    env = isolation.environment(None, "eu-west-1")
    assert {name for name in env if name.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert env["AWS_CONFIG_FILE"] == env["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    client = isolation.Clients("http://127.0.0.1:9", "eu-west-1")("dynamodb")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.region_name == "eu-west-1"


def resolver(**values):
    conditions = {
        "Yes": {"Fn::Equals": [{"Ref": "Flag"}, "true"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
    }
    return Resolver({"Conditions": conditions}, {"Flag": "true", **values}, {"F": "arn:f"})


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"Ref": "Flag"}, "true"),
        ({"Fn::GetAtt": ["F", "Arn"]}, "arn:f"),
        ({"Fn::Sub": "${Flag}/${F.Arn}/${!kept}"}, "true/arn:f/${!kept}"),
        ({"Fn::Sub": ["${a}-${Flag}", {"a": {"Ref": "Flag"}}]}, "true-true"),
        ({"Fn::Join": [",", ["a", {"Ref": "Flag"}]]}, "a,true"),
        ({"Fn::Split": [",", {"Ref": "Flag"}]}, ["true"]),
        ({"Fn::If": ["Yes", {"a": 1}, {"b": 2}]}, {"a": 1}),
        ({"Fn::If": ["No", {"a": 1}, [2]]}, [2]),
        ({"x": {"Fn::If": ["Both", 1, {"Ref": "AWS::NoValue"}]}, "y": None}, {"y": None}),
        ({"x": {"Fn::If": ["Either", 1, {"Ref": "AWS::NoValue"}]}}, {"x": 1}),
    ],
)
def test_values_of_a_deployed_stack(node, value):
    assert resolver()(node) == value


@pytest.mark.parametrize(
    "node", [{"Fn::Select": [0, ["a"]]}, {"Fn::GetAtt": ["F", "Version"]}, {"Fn::GetAtt": ["Orders", "Arn"]}]
)
def test_what_is_not_understood_is_named(node):
    with pytest.raises(LocalCloudError, match="not understood"):
        resolver()(node)


@pytest.mark.parametrize("node", [{"Ref": "Orders"}, {"Fn::Sub": "${Orders}"}])
def test_a_name_that_is_not_deployed_is_named(node):
    with pytest.raises(LocalCloudError, match="Orders is no parameter and no resource that is deployed"):
        resolver()(node)


class Gateway:
    """As much of the API Gateway client as the wiring uses, in memory."""

    def __init__(self):
        self.items = {"route": {}, "integration": {}, "authorizer": {}}
        self.calls = []

    def __getattr__(self, name):
        verb, _, kind = name.partition("_")
        key = kind.rstrip("s")

        def call(**given):
            self.calls.append(name)
            identity = f"{key.capitalize()}Id"
            if verb == "get":
                return {"Items": list(self.items[key].values())}
            given.pop("ApiId")
            if verb == "delete":
                return self.items[key].pop(given[identity])
            item = {identity: f"{key}{len(self.items[key])}", **given}
            self.items[key].setdefault(item[identity], {}).update(item)
            return item

        return call


def body(*operations, authorizer=True):
    uri = "arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:aws:lambda:r:1:function:f/invocations"
    paths = {}
    for method, path, security in operations:
        operation = {"x-amazon-apigateway-integration": {"uri": uri}, **({"security": security} if security else {})}
        paths.setdefault(path, {})[method] = operation
    scheme = {
        "x-amazon-apigateway-authorizer": {
            "identitySource": "$request.header.Authorization",
            "jwtConfiguration": {"issuer": "https://i", "audience": ["a"]},
        }
    }
    return {"paths": paths, "components": {"securitySchemes": {"Users": scheme} if authorizer else {}}}


def wire(gateway, definition):
    wiring._wire_api(lambda _service: gateway, "api", definition)
    return {route["RouteKey"]: route["AuthorizationType"] for route in gateway.items["route"].values()}


def test_routes_are_added_kept_changed_and_removed():
    gateway = Gateway()
    users, nobody = [{"Users": []}], [{"NONE": []}]
    first = body(("get", "/tasks", users), ("get", "/docs", nobody), ("x-amazon-apigateway-any-method", "/any", None))
    assert wire(gateway, first) == {"GET /tasks": "JWT", "GET /docs": "NONE", "ANY /any": "NONE"}
    assert len(gateway.items["integration"]) == len(gateway.items["authorizer"]) == 1

    gateway.calls.clear()
    wire(gateway, first)
    assert not [call for call in gateway.calls if call.endswith("_route")]

    assert wire(gateway, body(("get", "/tasks", users), ("get", "/docs", users))) == {
        "GET /tasks": "JWT",
        "GET /docs": "JWT",
    }


@mock_aws
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_files_are_uploaded_once_in_any_region(tmp_path, monkeypatch, region):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    s3 = boto3.client("s3", region_name=region)
    clients = Mock(return_value=s3, region=region)
    (tmp_path / "machine.json").write_text("{}")
    machine = {"Type": "AWS::Serverless::StateMachine", "Properties": {"DefinitionUri": "machine.json"}}
    (tmp_path / "template.yaml").write_text(json.dumps({"Resources": {"Machine": machine}}))

    first, second = (artifacts.package(tmp_path, clients, "artifacts") for _ in range(2))

    assert first == second
    (item,) = s3.list_objects_v2(Bucket="artifacts")["Contents"]
    assert first["Resources"]["Machine"]["Properties"]["DefinitionUri"] == f"s3://artifacts/{item['Key']}"


def test_an_archive_is_the_same_for_the_same_content(tmp_path):
    for name in ("a.py", "deep/b.py", "__pycache__/a.pyc", "native/x.cpython-313-x86_64-linux-gnu.so", "native/y.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    first = artifacts.zipped(tmp_path, for_linux=True)
    os.utime(tmp_path / "a.py", (1, 1))
    assert artifacts.zipped(tmp_path, for_linux=True) == first
    names = zipfile.ZipFile(io.BytesIO(first)).namelist()
    assert names == [
        "__pycache__/a.pyc",
        "a.py",
        "deep/b.py",
        "native/x.cpython-313-x86_64-linux-gnu.so",
        "native/y.py",
    ]


def test_off_linux_packages_compiled_for_lambda_stay_out(tmp_path):
    for name in ("a.py", "native/x.cpython-313-x86_64-linux-gnu.so", "native/y.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    assert zipfile.ZipFile(io.BytesIO(artifacts.zipped(tmp_path, for_linux=False))).namelist() == ["a.py"]


def test_log_lines_are_copied_once_even_if_equal():
    line = ("stream", 5000, "same")
    assert logs.unseen([line, line], Counter()) == [line, line]
    assert logs.unseen([line, line], Counter([line])) == [line]
    assert logs.unseen([line], Counter([line, line])) == []


def test_the_next_look_goes_a_little_back_but_gets_past_a_full_page():
    assert logs.next_look([], 7) == 7
    assert logs.next_look([("s", 5000, "a")], 0) == 4000
    assert logs.next_look([("s", 5000, "a")], 4500) == 4500
    assert logs.next_look([("s", 5000, "a")] * 3, 4500, page=3) == 5000
    assert logs.next_look([("s", 5000, "a")] * 3, 5000, page=3) == 5001


def test_a_deployments_parameters_are_the_defaults_that_the_transform_sees():
    template = {"Parameters": {"A": {"Type": "String", "Default": "a"}, "B": {"Type": "String", "Default": "b"}}}
    changed = deployment.with_defaults(template, {"A": "x", "Unknown": "y"})
    assert {name: given["Default"] for name, given in changed["Parameters"].items()} == {"A": "x", "B": "b"}
    assert template["Parameters"]["A"]["Default"] == "a"


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_payloads_live_twice_as_long_as_tasks(environment):
    # CloudFormation cannot multiply, so the two parameters are written out side by side.
    written = tomllib.loads(SAM_CONFIG.read_text(encoding="utf-8"))[environment]["deploy"]["parameters"]
    parameters = dict(entry.split("=", 1) for entry in written["parameter_overrides"])
    assert int(parameters["PayloadDays"]) == 2 * int(parameters["RetentionDays"])


def test_what_a_build_warns_of_is_shown(monkeypatch, capsys):
    monkeypatch.setattr(sam, "_sam", lambda *arguments: "Building codeuri\nWarning: task_types/a.py\n")
    sam.build(settings.read())
    assert capsys.readouterr().err == "Warning: task_types/a.py\n"
