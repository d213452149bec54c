"""What a deployment changes that gives a parameter another value: on AWS, after both transforms of the template."""

import copy
import re
from functools import cache

import botocore.session
import pytest
from samcli.lib.telemetry.event import EventTracker

from local.paths import ROOT
from tools import parameter_changes
from tools.deployment import changes, deployed, template
from tools.parameter_changes import flip

OF_THE_FUNCTION = {"ReservedConcurrentExecutions", "Tags"}
"""Properties that hold for a function whatever its version: calls of their own set them."""
KEEPS = {"DynamoDB::Table", "S3::Bucket", "SQS::Queue", "SNS::Topic", "Cognito::UserPool", "Logs::LogGroup"}
"""Types whose resources have something in them, or subscribers."""
TAKES_AWAY = {
    "RestEndpoints": {"UserPool", "ApiLogs", "ConsoleLogs", "AccessLogs"},
    "Console": {"ConsoleLogs"},
    "JwtIssuer": {"UserPool"},
}
"""What goes of that, by parameter: the page says so."""
API = "ApiFunction"


@cache
def versioned():
    """Properties that a version consists of: those that Lambda's two calls change that make a new one."""
    model = botocore.session.get_session().get_service_model("lambda")
    calls = (model.operation_model(f"UpdateFunction{what}").input_shape for what in ("Configuration", "Code"))
    return {"Code", *(name for shape in calls for name in shape.members)}


def consists_of(resources):
    """What a version of the API's function would consist of, or None in a stack without."""
    if API not in resources:
        return None
    properties = resources[API]["Properties"]
    assert properties.keys() <= versioned() | OF_THE_FUNCTION
    return {name: value for name, value in properties.items() if name in versioned()}


def kept(resources, names):
    return {name for name in names if resources[name]["Type"].removeprefix("AWS::") in KEEPS}


@pytest.mark.parametrize("parameter", template()["Parameters"])
def test_another_value_of_a_parameter(parameter):
    """Publishes a version where one would differ and only there, replaces nothing that is kept, and is in the table."""
    done = flip(parameter)
    if API in done.after:
        assert done.new_version is (consists_of(done.before) != consists_of(done.after))
    assert not kept(done.before, done.changes.replaced)
    assert kept(done.before, done.changes.removed) == TAKES_AWAY.get(parameter, set())
    page = (ROOT / parameter_changes.PAGE).read_text(encoding="utf-8")
    assert parameter_changes.line(parameter) in page.splitlines(), "run `make parameters`"


def test_the_table_has_each_parameter_once():
    page = (ROOT / parameter_changes.PAGE).read_text(encoding="utf-8")
    _, _, found = page.partition("<!-- what each parameter changes -->")
    assert re.findall(r"^\| `(\w+)`", found.partition("<!-- end -->")[0], re.MULTILINE) == list(
        template()["Parameters"]
    )


def test_a_version_that_would_be_the_one_before_is_seen():
    """Lambda publishes none, and the deployment fails (aws/serverless-application-model, issue 3281)."""
    broken = copy.deepcopy(dict(template()))
    del broken["Resources"][API]["Properties"]["Environment"]["Variables"]["RESERVED_CONCURRENCY"]
    before, after = deployed({}, broken), deployed({"ApiReservedConcurrency": "5"}, broken)

    assert consists_of(before) == consists_of(after)
    made = changes(before, after).added
    assert [after[name]["Type"] for name in made] == [parameter_changes.VERSION]


def test_what_cannot_be_changed_is_replaced():
    renamed = copy.deepcopy(dict(template()))
    renamed["Resources"]["TaskQueue"]["Properties"]["QueueName"] = "tasks"
    renamed["Resources"]["TasksTable"]["Properties"]["KeySchema"] = [{"AttributeName": "pk", "KeyType": "HASH"}]

    assert changes(deployed({}), deployed({}, renamed)).replaced == {"TaskQueue", "TasksTable"}


def test_a_route_that_needs_no_token_stays_one_where_its_function_is_not_made():
    """The first transform takes the ApiId from the routes of a function whose condition is false."""
    for parameters in ({"Console": "false"}, {"RestEndpoints": "false"}):
        kinds = [resource["Type"] for resource in deployed(parameters).values()]
        assert kinds.count("AWS::ApiGatewayV2::Api") == (parameters.get("RestEndpoints") != "false")


def test_a_page_without_a_place_for_the_table_says_so():
    with pytest.raises(ValueError, match="one pair of comments"):
        parameter_changes.with_table("# Deploy\n")
    written = parameter_changes.with_table("<!-- what each parameter changes -->\nold\n<!-- end -->\n")
    assert "old" not in written
    assert "| `Protection` |" in written


def test_nothing_is_left_for_sam_cli_to_report():
    deployed({})
    assert EventTracker.get_tracked_events() == []
