"""What the template must keep true where CloudFormation cannot say it: things that belong together, written apart."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from serverless_tasks.store.transitions import COUNTS, TIMES

from local.guard import transformed
from local.paths import ROOT, SAM_CONFIG
from local.template import Resolver
from tests.support.resources import TEMPLATE
from tools.yours import names

RESOURCES = TEMPLATE["Resources"]
WITHOUT_VALUE = {
    "TaskQueueEventFactory",
    "EventFactory",
    "CorsOrigins",
    "KmsKeyArn",
    "AlarmEmail",
    "FailureEmail",
    "EventBusName",
    "JwtIssuer",
    "JwtAudience",
}
"""Parameters that are empty unless a deployment has a use for them."""
HAVE_A_KEY = {"DynamoDB::Table", "S3::Bucket", "SQS::Queue", "SNS::Topic", "Logs::LogGroup"}
READ_NOTHING = {"ConsoleFunction"}
"""Functions that touch nothing that the key encrypts, and so may not use it."""
KEPT = {"DynamoDB::Table", "S3::Bucket", "Cognito::UserPool", "Logs::LogGroup"}


def of_type(*kinds: str) -> dict[str, Any]:
    return {name: found for name, found in RESOURCES.items() if found["Type"] in {f"AWS::{kind}" for kind in kinds}}


FUNCTIONS = of_type("Serverless::Function")
ALARMS = of_type("CloudWatch::Alarm")


def metrics(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm watches, which is what it is paid by."""
    if "Metrics" not in alarm["Properties"]:
        return [alarm["Properties"]]
    return [given["MetricStat"]["Metric"] for given in alarm["Properties"]["Metrics"] if "MetricStat" in given]


def refers_to(node: Any, name: str) -> bool:
    if isinstance(node, dict):
        return node.get("Ref") == name or any(refers_to(value, name) for value in node.values())
    return isinstance(node, list) and any(refers_to(value, name) for value in node)


def test_a_message_is_hidden_for_six_times_as_long_as_its_worker_may_take():
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    worker = FUNCTIONS["QueueFunction"]["Properties"]
    assert RESOURCES["TaskQueue"]["Properties"]["VisibilityTimeout"] == 6 * worker["Timeout"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_logs_into_a_group_of_its_own_and_may_use_the_customer_key(name):
    given = FUNCTIONS[name]["Properties"]
    group = given["LoggingConfig"]["LogGroup"]["Ref"]
    kind = name.removesuffix("Function")
    assert group == f"{kind}Logs"
    assert RESOURCES[group].get("Condition") == FUNCTIONS[name].get("Condition")
    named = f"/aws/lambda/${{AWS::StackName}}-{kind.lower()}"
    assert RESOURCES[group]["Properties"]["LogGroupName"] == {"Fn::Sub": named}
    assert refers_to(given.get("Policies"), "KeyPermissions") is (name not in READ_NOTHING)


@pytest.mark.parametrize("name", of_type("Logs::LogGroup"))
def test_logs_end(name):
    assert RESOURCES[name]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("name", of_type(*HAVE_A_KEY))
def test_what_keeps_data_takes_the_customer_key(name):
    assert refers_to(RESOURCES[name]["Properties"], "KmsKeyArn")


@pytest.mark.parametrize("name", of_type(*KEPT))
def test_what_cannot_be_made_again_outlives_a_protected_stack(name):
    # A first deployment that is rolled back deletes what it made, but cannot delete what is protected.
    protected = any(given.startswith("DeletionProtection") for given in RESOURCES[name]["Properties"])
    kept = "Retain" if protected else "RetainExceptOnCreate"
    assert RESOURCES[name]["DeletionPolicy"] == {"Fn::If": ["Protected", kept, "Delete"]}
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", of_type("Serverless::LayerVersion"))
def test_a_layer_is_named_after_its_stack(name):
    """Else two stacks of an account number the versions of one layer together."""
    assert RESOURCES[name]["Properties"]["LayerName"]["Fn::Sub"].startswith("${AWS::StackName}-")


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_goes_to_the_topic_and_names_its_page(name):
    given = ALARMS[name]["Properties"]
    assert given["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    section = given["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
    assert given["AlarmDescription"].startswith(f"docs/runbook.md#{section}: ")
    assert name == "".join(word.capitalize() for word in section.split("-")) + "Alarm"
    assert given["TreatMissingData"] == ("breaching" if name == "SweeperSilentAlarm" else "notBreaching")


def test_the_runbook_has_a_section_for_each_alarm_and_no_other():
    page = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    sections = [title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", page, re.MULTILINE)]
    named = [alarm["Properties"]["AlarmName"]["Fn::Sub"].split("}-")[1] for alarm in ALARMS.values()]
    assert sorted(sections) == sorted(named)


def test_the_page_says_how_many_metrics_the_alarms_watch():
    watched = sum(len(metrics(alarm)) for alarm in ALARMS.values())
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert f"They watch {watched} metrics" in page
    assert f"about ${(watched - 10) / 10:.2f} a month" in page  # ten are free, the others are $0.10 each


def test_every_function_is_watched_for_errors_and_throttles():
    watched = {
        (metric["MetricName"], dimension["Value"]["Ref"])
        for alarm in ALARMS.values()
        for metric in metrics(alarm)
        for dimension in metric.get("Dimensions", ())
        if dimension["Name"] == "FunctionName"
    }
    behind_the_api = {"ApiFunction", "ConsoleFunction"}  # their errors and throttles are the API's 5xx
    for name in ("Errors", "Throttles"):
        assert {function for metric, function in watched if metric == name} == set(FUNCTIONS) - behind_the_api


def expressions() -> Iterator[str]:
    yield ALARMS["FailedTasksAlarm"]["Properties"]["Metrics"][0]["Expression"]["Fn::Sub"]
    yield from re.findall(
        r'MetricName=\\"(\w+)\\"', RESOURCES["TasksDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    )


def test_alarm_and_dashboard_know_the_metrics_of_tasks():
    alarm, *shown = expressions()
    assert alarm == 'SELECT SUM(Failed) FROM SCHEMA("${AWS::StackName}", taskType)'
    assert set(shown) == {*COUNTS, *TIMES}


def test_the_dashboard_is_json_and_of_its_own_region():
    body, extra = RESOURCES["TasksDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    assert {widget["properties"]["region"] for widget in widgets} == {"${AWS::Region}"}
    named = set(re.findall(r"\$\{(\w+)[.}]", body))
    assert named <= set(RESOURCES) | set(extra)
    assert not [name for name in named if "Condition" in RESOURCES.get(name, {})]  # a stack without it has no such name


def processed(gradual: str) -> dict[str, Any]:
    parameters = TEMPLATE["Parameters"]
    chosen = {**parameters, "GradualDeployment": {**parameters["GradualDeployment"], "Default": gradual}}
    return transformed({**TEMPLATE, "Parameters": chosen}, "us-east-1")["Resources"]


def test_a_gradual_deployment_is_taken_back_by_the_alarm_on_the_api():
    resources = processed("true")
    [alias] = [given for given in resources.values() if given["Type"] == "AWS::Lambda::Alias"]
    [group] = [given for given in resources.values() if given["Type"] == "AWS::CodeDeploy::DeploymentGroup"]
    assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]
    assert group["Condition"] == alias["Condition"] == "WithRestEndpoints"
    watched = group["Properties"]["AlarmConfiguration"]["Alarms"]
    assert watched == [{"Name": resources["ApiErrorsAlarm"]["Properties"]["AlarmName"]}]


def test_without_it_there_is_nothing_of_code_deploy():
    resources = processed("false")
    assert not [given for given in resources.values() if "CodeDeploy" in json.dumps(given)]


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_an_environment_says_every_parameter_that_has_a_value(environment):
    written = tomllib.loads(SAM_CONFIG.read_text(encoding="utf-8"))[environment]["deploy"]["parameters"]
    parameters = dict(entry.split("=", 1) for entry in written["parameter_overrides"])
    ours, own = set(TEMPLATE["Parameters"]), names("Parameters")
    assert ours - WITHOUT_VALUE <= set(parameters) <= ours | own
    assert all(parameters.values())
    grouped = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in grouped for name in group["Parameters"] if name not in own) == sorted(ours)


def test_production_is_protected_and_watched_and_its_tags_say_so():
    written = tomllib.loads(SAM_CONFIG.read_text(encoding="utf-8"))["prod"]["deploy"]["parameters"]
    assert {"Protection=true", "Alarms=true", "GradualDeployment=true"} <= set(written["parameter_overrides"])
    assert "environment=prod" in written["tags"]


def longest(node: Any) -> int:
    """Characters of the longest text that a reference or a condition can become."""
    names = {"TasksTable": 72 + len("-TasksTable-") + 13, "PayloadBucket": 63}  # of a stack with the longest name
    match node:
        case {"Ref": name} if name in names:
            return names[name]
        case {"Ref": name}:
            given = TEMPLATE["Parameters"][name]
            return max(len(str(value)) for value in given.get("AllowedValues", [given.get("MaxValue")]))
        case {"Fn::If": [_, one, other]}:
            return max(longest(one), longest(other))
    return len(node)


def test_the_description_of_a_version_fits():
    # 256 characters: https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    [space, parts] = FUNCTIONS["ApiFunction"]["Properties"]["VersionDescription"]["Fn::Join"]
    assert len(space) * (len(parts) - 1) + sum(map(longest, parts)) <= 256


@pytest.mark.parametrize("receiver", ["EventBusName", "FailureEmail"])
def test_what_gets_status_messages_needs_some(receiver):
    rule = TEMPLATE["Rules"]["EndsAreNotified"]

    def holds(messages, given):
        values = {"EventBusName": "", "FailureEmail": "", "StatusMessages": messages, receiver: given}
        truth = Resolver(TEMPLATE, values, {})._truth
        return not truth(rule["RuleCondition"]) or all(truth(one["Assert"]) for one in rule["Assertions"])

    assert holds("terminal", "given")
    assert holds("none", "")
    assert not holds("none", "given")
