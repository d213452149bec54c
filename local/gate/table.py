"""Writes down, after each deployment, what the roles of the stack's functions may do, for the gate in their processes.

The engine keeps the policies as the SAM transform and CloudFormation made them of the template, every name resolved,
and asks them about nothing. What AWS's own policies say is known here for those that SAM attaches by itself; others
are looked up in moto's copy.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local import deployment
from local.errors import LocalCloudError
from local.gate.dynamodb.tables import shortened
from local.gate.policy import Statement
from local.isolation import Clients

USER_POLICY = "TaskPermissions"
"""The policy of the template that is the owner's: what task types may do."""
_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
MANAGED = {
    "AWSLambdaBasicExecutionRole": _LOGS,
    "AWSLambdaDynamoDBExecutionRole": [
        *("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"),
        *_LOGS,
    ],
    "AWSLambdaSQSQueueExecutionRole": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", *_LOGS],
    "AWSXrayWriteOnlyAccess": [
        *("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
        "xray:GetSamplingStatisticSummaries",
    ],
}
"""AWS's policies that SAM attaches, all for every resource (AWS Managed Policy Reference Guide)."""
_ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Events::EventBus": "arn:aws:events:{region}:{account}:event-bus/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::SSM::Parameter": "arn:aws:ssm:{region}:{account}:parameter/{name}",
}
"""Of resources whose ARN is an attribute; of others, it is what Ref gives."""
_STARTUP = Path(__file__).with_name("startup")
"""Its name must be none that ``.gitignore`` has."""


def path_in(directory: Path) -> Path:
    """Where the table is, for a local cloud in this directory: among the engine's files, which end with it."""
    return directory / "engine" / "gate.json"


def environment(directory: Path) -> dict[str, str]:
    """What brings our start-up into the functions of this directory's engine, and the gate unless LOCAL_GATE is off.

    Raises where the module that Python imports by itself is missing: without it nothing would be refused.
    """
    module = _STARTUP / "sitecustomize.py"
    if not module.is_file():
        raise LocalCloudError(f"{module} is missing: restore it")
    rules = {} if os.environ.get("LOCAL_GATE") == "off" else {"LOCAL_GATE_RULES": str(path_in(directory))}
    return {"PYTHONPATH": str(_STARTUP), **rules}


def write(path: Path, clients: Clients, stack_name: str) -> None:
    """Replace the table in one step. Raises where a policy says what the gate does not understand."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(made(clients, stack_name)), encoding="utf-8")
    partial.replace(path)


def made(clients: Clients, stack_name: str) -> dict[str, Any]:
    """The table: see :meth:`local.gate.rules.Rules.of`."""
    present = deployment.resources(clients, stack_name)
    account = clients("sts").get_caller_identity()["Account"]
    here = {"account": account, "region": clients.region}
    policies = _Policies(clients)
    owner = next((physical for name, (_, physical) in present.items() if name == USER_POLICY), None)
    functions = {}
    for name, (kind, physical) in present.items():
        if kind == "AWS::Lambda::Function":
            role = clients("lambda").get_function_configuration(FunctionName=physical)["Role"]
            own = owner in policies.attached(role)
            place = f"{USER_POLICY} in template.yaml" if own else f"the Policies of {name} in template.yaml"
            statements = [*policies.statements(role)]
            _check(statements, name)
            functions[physical] = {"name": name, "role": role, "place": place, "statements": statements}
    return {
        **here,
        "functions": functions,
        "resourceStatements": [*_of_buckets(clients, present)],
        "tables": dict(_tables(clients, present)),
        "names": dict(_names(present, here)),
    }


def understood(statement: Mapping[str, Any]) -> str | None:
    """What the gate does not understand in a statement, or None."""
    try:
        Statement.of(statement)
    except ValueError as error:
        return str(error)
    return None


def _check(statements: Iterable[Mapping[str, Any]], function: str) -> None:
    if problems := {problem for statement in statements if (problem := understood(statement))}:
        raise LocalCloudError(
            f"The local cloud decides what {function} may do by its policies, and does not understand "
            f"{', '.join(sorted(problems))} in them. Teach it to local/gate/policy.py, or do without by LOCAL_GATE=off."
        )


class _Policies:
    """The policies of every role, as the engine keeps them."""

    def __init__(self, clients: Clients) -> None:
        pages = [*clients("iam").get_paginator("get_account_authorization_details").paginate()]
        self._roles = {role["Arn"]: role for page in pages for role in page["RoleDetailList"]}
        self._managed = {
            each["Arn"]: next(v["Document"] for v in each["PolicyVersionList"] if v["IsDefaultVersion"])
            for page in pages
            for each in page["Policies"]
        }

    def attached(self, role: str) -> list[str]:
        """ARNs of managed policies."""
        return [policy["PolicyArn"] for policy in self._roles[role]["AttachedManagedPolicies"]]

    def statements(self, role: str) -> Iterator[dict[str, Any]]:
        """Everything that the role's policies say."""
        for policy in self._roles[role]["RolePolicyList"]:
            yield from _statements(policy["PolicyDocument"])
        for arn in self.attached(role):
            if arn in self._managed:
                yield from _statements(self._managed[arn])
            else:
                yield from of_aws(arn.rpartition("/")[2])


def of_aws(name: str) -> list[dict[str, Any]]:
    """The statements of one of AWS's own policies."""
    if name in MANAGED:
        return [{"Effect": "Allow", "Action": MANAGED[name], "Resource": "*"}]
    from moto.iam.aws_managed_policies import aws_managed_policies_data  # 4 MB, which most stacks do not need

    known = json.loads(aws_managed_policies_data)
    if name not in known:
        raise LocalCloudError(f"the policy {name} of AWS is not known here: name what it grants, or LOCAL_GATE=off")
    return [*_statements(known[name]["Document"])]


def _statements(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    statements = document["Statement"]
    yield from statements if isinstance(statements, list) else [statements]


def _of_buckets(clients: Clients, present: Mapping[str, tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Statements of the buckets' own policies that hold for every role. Those for services or accounts do not count."""
    for name, (kind, bucket) in present.items():
        if kind == "AWS::S3::Bucket":
            found = [each for each in _bucket_policy(clients, bucket) if each.get("Principal") in ("*", {"AWS": "*"})]
            _check(found, name)
            yield from found


def _bucket_policy(clients: Clients, bucket: str) -> Iterator[dict[str, Any]]:
    try:
        text = clients("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return
    yield from _statements(json.loads(text))


def _tables(clients: Clients, present: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, table in present.values():
        if kind == "AWS::DynamoDB::Table":
            yield table, shortened(clients("dynamodb").describe_table(TableName=table)["Table"])


def _names(present: Mapping[str, tuple[str, str]], here: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """How the template calls what has an ARN."""
    for name, (kind, physical) in present.items():
        if physical.startswith("arn:"):
            yield physical, f"!Ref {name}"
        elif kind in _ARNS:
            yield _ARNS[kind].format(**here, name=physical.rpartition("/")[2]), f"!GetAtt {name}.Arn"
