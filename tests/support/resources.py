"""The resources of ``template.yaml``, created in moto from the template's own properties."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from serverless_tasks.adapters.settings import Settings

from local.template import Resolver
from tests.support.clients import ACCOUNT, REGION, driver_client
from tools.yours import product

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = product()
"""Without what a fork adds."""
STACK_NAME = "tests"

_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK_NAME,
    "AWS::URLSuffix": "amazonaws.com",
}


class Resources:
    """What CloudFormation would make of the template, as far as the functions see it."""

    def __init__(self, **parameters: str) -> None:
        self._values: dict[str, Any] = {**_PSEUDO, **_defaults(), **parameters}
        self._arns = {name: _lambda_arn(name) for name in _of_type("AWS::Serverless::Function")}
        self._values |= {name: name for name in self._arns}
        self.resolve = _Resolver(TEMPLATE, self._values, self._arns)
        self.stream_arn = self._create_table("TasksTable")
        self._create_bucket("PayloadBucket")
        self._create_queue("DeadLetterQueue")
        self._create_queue("TaskQueue")
        self._create_topic("StatusTopic")
        self._create_topic("AlarmTopic")
        machines = ("FanOutStateMachine", "FastLaneStateMachine")
        self.definitions = {name: self._create_state_machine(name) for name in machines}

    @property
    def start_execution(self) -> str:
        """What the fast lane calls to hand over."""
        return str(self.resolve(properties("FastLaneStateMachine")["DefinitionSubstitutions"]["StartExecutionArn"]))

    def name(self, logical_id: str) -> str:
        """What ``Ref`` gives: the resource's name, URL or ARN."""
        return str(self._values[logical_id])

    @property
    def names(self) -> dict[str, str]:
        """Logical ids by what ``Ref`` gives."""
        return {str(self._values[name]): name for name in TEMPLATE["Resources"] if name in self._values}

    def arn(self, logical_id: str) -> str:
        """What ``GetAtt .Arn`` gives."""
        return self._arns[logical_id]

    def settings(self, function: str) -> Settings:
        """What a function reads from its own environment, and no other's."""
        common = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
        given = {**common, **properties(function).get("Environment", {}).get("Variables", {})}
        read = {field.name.upper() for field in fields(Settings)} & given.keys()  # others are a fork's, or the log's
        return Settings.from_environment({name: str(self.resolve(given[name])) for name in read})

    def stream_filters(self, function: str) -> list[dict[str, Any]]:
        """Patterns of the function's stream, any of which lets a record through."""
        return stream_filters(function, self.resolve)

    def _create_table(self, logical_id: str) -> str:
        given = self.resolve(properties(logical_id))
        expiry = given.pop("TimeToLiveSpecification")
        given["StreamSpecification"]["StreamEnabled"] = True
        given.pop("SSESpecification", None)  # moto would generate an RSA key, each time
        given.pop("PointInTimeRecoverySpecification")  # CloudFormation makes a call of its own of it
        client = driver_client("dynamodb")
        made = client.create_table(TableName="tasks", **given)["TableDescription"]
        client.update_time_to_live(TableName="tasks", TimeToLiveSpecification=expiry)
        self._know(logical_id, "tasks", made["TableArn"])
        return str(made["LatestStreamArn"])

    def _create_bucket(self, logical_id: str) -> None:
        place = {"LocationConstraint": REGION}
        driver_client("s3").create_bucket(Bucket="payloads", CreateBucketConfiguration=place)
        self._know(logical_id, "payloads", "arn:aws:s3:::payloads")

    def _create_queue(self, logical_id: str) -> None:
        given = self.resolve(properties(logical_id))
        attributes = {n: json.dumps(v) if isinstance(v, dict) else str(v).lower() for n, v in given.items()}
        if "RedrivePolicy" in given:
            attributes["RedrivePolicy"] = json.dumps(given["RedrivePolicy"])
        client = driver_client("sqs")
        url = client.create_queue(QueueName=logical_id, Attributes=attributes)["QueueUrl"]
        answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self._know(logical_id, url, answer["Attributes"]["QueueArn"])

    def _create_topic(self, logical_id: str) -> None:
        arn = driver_client("sns").create_topic(Name=logical_id)["TopicArn"]
        self._know(logical_id, arn, arn)

    def _create_state_machine(self, logical_id: str) -> dict[str, Any]:
        given = properties(logical_id)
        text = (ROOT / given["DefinitionUri"]).read_text(encoding="utf-8")
        for name, value in self.resolve(given["DefinitionSubstitutions"]).items():
            text = text.replace(f"${{{name}}}", str(value))
        role = f"arn:aws:iam::{ACCOUNT}:role/fan-out"
        name = self.resolve(given["Name"])
        made = driver_client("stepfunctions").create_state_machine(name=name, definition=text, roleArn=role)
        self._know(logical_id, made["stateMachineArn"], made["stateMachineArn"])
        definition: dict[str, Any] = json.loads(text)
        return definition

    def _know(self, logical_id: str, ref: str, arn: str) -> None:
        self._values[logical_id] = ref
        self._arns[logical_id] = arn


class _Resolver(Resolver):
    """Knows the one attribute besides ARNs that policies name."""

    def _attribute(self, resource: str, attribute: str) -> str:
        if attribute == "Name":
            return str(self(properties(resource)["Name"]))
        return super()._attribute(resource, attribute)


def stream_filters(function: str, resolve: Resolver | None = None) -> list[dict[str, Any]]:
    """Patterns of the function's stream; without a ``resolve``, for the template's defaults."""
    resolve = resolve or Resolver(TEMPLATE, _defaults(), {})
    [source] = [e for e in properties(function)["Events"].values() if e["Type"] == "DynamoDB"]
    return [json.loads(resolve(given["Pattern"])) for given in source["Properties"]["FilterCriteria"]["Filters"]]


def _defaults() -> dict[str, str]:
    return {name: str(given.get("Default", "")) for name, given in TEMPLATE["Parameters"].items()}


def properties(logical_id: str) -> dict[str, Any]:
    """A resource's properties as the template has them."""
    given: dict[str, Any] = TEMPLATE["Resources"][logical_id]["Properties"]
    return given


def memory(function: str) -> int:
    """Megabytes of a function, by the template's defaults."""
    given = properties(function).get("MemorySize", TEMPLATE["Globals"]["Function"]["MemorySize"])
    if isinstance(given, dict):
        given = TEMPLATE["Parameters"][given["Ref"]]["Default"]
    return int(given)


def _of_type(kind: str) -> list[str]:
    return [name for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == kind]


def _lambda_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
