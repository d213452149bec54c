"""House rules, for cfn-lint: .cfnlintrc.yaml names this directory.

cfn-lint shows them the template after the SAM transform. Their ids begin with EH (error of the house); docs/checks.md
lists them.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

Problems = Iterator[tuple[list[str], str]]
"""A path in the template, and its problem."""

TIMES_THE_TIMEOUT = 6
"""Visibility timeout of a queue for each second of its function's timeout, as AWS advises
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)."""

WITHOUT_RESOURCES = frozenset(
    {
        "cloudwatch:PutMetricData",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "sts:GetCallerIdentity",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions for which IAM knows no resource but "*"
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html)."""

NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::Cognito::UserPool": "UserPoolName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
"""The property that names a resource whose names are unique within an account and region, or within AWS."""


class _HouseRule(CloudFormationLintRule):  # type: ignore[misc]  # cfn-lint has no types
    """A rule that is written as a generator of problems."""

    tags: ClassVar[list[str]] = ["house"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return problems in cfn-lint's format."""
        return [RuleMatch(path, message) for path, message in self.problems(cfn)]

    def problems(self, cfn: Template) -> Problems:
        """Yield problems."""
        raise NotImplementedError


def _resources(cfn: Template, *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, resource in cfn.get_resources(list(types)).items():
        yield name, resource.get("Properties", {})


class FunctionIsWrittenOut(_HouseRule):
    """AWS may change its defaults, which no review sees."""

    id = "EH1001"
    shortdesc = "A function has a description, a timeout and memory"
    description = "The template states a function's purpose, time and memory"

    def problems(self, cfn: Template) -> Problems:
        """Yield functions that lack one of them."""
        for name, properties in _resources(cfn, "AWS::Lambda::Function"):
            for needed in ("Description", "Timeout", "MemorySize"):
                if not properties.get(needed):
                    yield ["Resources", name], f"Function {name} has no {needed}: give it one."


class LogsEnd(_HouseRule):
    """Replaces WS1004, which does not know LoggingConfig."""

    id = "EH1002"
    shortdesc = "A function logs to a log group that forgets"
    description = "A log group that Lambda makes by itself outlives the stack and keeps its lines for ever"

    def problems(self, cfn: Template) -> Problems:
        """Yield functions whose log group is not in the template, or keeps its lines for ever."""
        forgetting = {name for name, group in _resources(cfn, "AWS::Logs::LogGroup") if "RetentionInDays" in group}
        for name, properties in _resources(cfn, "AWS::Lambda::Function"):
            group = properties.get("LoggingConfig", {}).get("LogGroup")
            if not isinstance(group, Mapping) or group.get("Ref") not in forgetting:
                yield (
                    ["Resources", name],
                    f"Function {name} needs LoggingConfig.LogGroup: !Ref of a log group here with RetentionInDays.",
                )


class FunctionsAreTraced(_HouseRule):
    """Replaces WS1000, which accepts no parameter."""

    id = "EH1003"
    shortdesc = "A function is traced, or a parameter decides"
    description = "Tracing shows where the time of a task goes"

    def problems(self, cfn: Template) -> Problems:
        """Yield functions without tracing."""
        for name, properties in _resources(cfn, "AWS::Lambda::Function"):
            mode = properties.get("TracingConfig", {}).get("Mode")
            if mode != "Active" and not (isinstance(mode, Mapping) and mode.get("Ref") in cfn.template["Parameters"]):
                yield ["Resources", name], f"Function {name} is not traced: Tracing is Active, or !Ref of a parameter."


class EverythingIsDescribed(_HouseRule):
    """A user of the stack sees parameters and outputs."""

    id = "EH2001"
    shortdesc = "A parameter or output has a description"
    description = "Parameters and outputs are explained"

    def problems(self, cfn: Template) -> Problems:
        """Yield those without a description."""
        for section in ("Parameters", "Outputs"):
            for name, given in cfn.template.get(section, {}).items():
                if not given.get("Description"):
                    yield [section, name], f"{section[:-1]} {name} has no Description: give it one."


class PermissionsNameThings(_HouseRule):
    """Least privilege, by name."""

    id = "EH3001"
    shortdesc = "A policy names actions and resources"
    description = 'No action "*", and no resource "*" where IAM can name one'

    def problems(self, cfn: Template) -> Problems:
        """Yield statements with a wildcard."""
        for name, properties in _resources(cfn, "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for statement in _allowing(properties):
                actions = _list(statement.get("Action", "*"))
                if wide := [action for action in actions if "*" in str(action)]:
                    yield ["Resources", name], f"{name} allows {', '.join(map(str, wide))}: name the actions."
                elif "*" in _list(statement.get("Resource", "*")) and not WITHOUT_RESOURCES.issuperset(actions):
                    yield (
                        ["Resources", name],
                        f'{name} allows {", ".join(map(str, actions))} on "*": name the resources.',
                    )


def _allowing(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield all statements that allow something."""
    if isinstance(node, Mapping):
        if node.get("Effect") == "Allow" and not {"Principal", "NotPrincipal"} & node.keys():  # for principals
            yield node
        for value in node.values():
            yield from _allowing(value)
    elif isinstance(node, list):
        for value in node:
            yield from _allowing(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class MessagesStayHidden(_HouseRule):
    """A message that reappears while its function still runs is processed twice."""

    id = "EH4001"
    shortdesc = "A queue hides a message long enough for its function"
    description = f"VisibilityTimeout is at least {TIMES_THE_TIMEOUT} times the function's Timeout"

    def problems(self, cfn: Template) -> Problems:
        """Yield queues that show their messages too early."""
        queues = dict(_resources(cfn, "AWS::SQS::Queue"))
        functions = dict(_resources(cfn, "AWS::Lambda::Function"))
        aliases = dict(_resources(cfn, "AWS::Lambda::Alias"))
        for _, mapping in _resources(cfn, "AWS::Lambda::EventSourceMapping"):
            queue = _referred(mapping.get("EventSourceArn"))
            function = _referred(mapping.get("FunctionName"))
            function = _referred(aliases.get(function, {}).get("FunctionName")) or function
            if queue not in queues or function not in functions:
                continue
            wanted = TIMES_THE_TIMEOUT * functions[function].get("Timeout", 3)
            if queues[queue].get("VisibilityTimeout", 30) < wanted:
                yield (
                    ["Resources", queue],
                    f"Queue {queue} needs a VisibilityTimeout of at least {wanted} for {function}.",
                )


def _referred(value: Any) -> str:
    """Return the logical id of a Ref or GetAtt, or an empty text."""
    if not isinstance(value, Mapping):
        return ""
    target = value.get("Ref") or value.get("Fn::GetAtt") or ""
    return str(target[0]) if isinstance(target, list) else str(target).partition(".")[0]


class StacksLiveSideBySide(_HouseRule):
    """A fixed name allows only one stack in an account and region, and no replacement of the resource."""

    id = "EH5001"
    shortdesc = "A name has the stack's name in it"
    description = "Names are CloudFormation's own, or contain AWS::StackName"

    def problems(self, cfn: Template) -> Problems:
        """Yield resources whose name a second stack would need, too."""
        for kind, naming in NAMES.items():
            for name, properties in _resources(cfn, kind):
                if naming in properties and "AWS::StackName" not in json.dumps(properties[naming]):
                    yield (
                        ["Resources", name],
                        f"{naming} of {name} is fixed: leave it out, or put ${{AWS::StackName}} in.",
                    )
