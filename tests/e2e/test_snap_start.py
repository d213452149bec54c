"""A stack whose API starts from a snapshot: the HTTP API calls a version, and another one after every change."""

import pytest

from local import deployment, settings
from local.cloud import Connection, LocalCloud

pytestmark = pytest.mark.skipif(settings.runtime() == "python3.11", reason="SnapStart begins with Python 3.12")
PARAMETERS = {"ApiSnapStart": "true", "ApiDocs": "false"}


@pytest.fixture(scope="module")
def snapped():
    with LocalCloud(parameters=PARAMETERS) as running:
        yield running


def versions(cloud):
    """Versions of the API function, the one that is called last, with whether they have a snapshot."""
    name = deployment.resources(cloud.client, cloud.stack["stackName"])["ApiFunction"][1]
    client = cloud.client("lambda")
    found = client.list_versions_by_function(FunctionName=name)["Versions"]
    called = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    return called, {item["Version"]: item["SnapStart"]["ApplyOn"] for item in found if item["Version"] != "$LATEST"}


def test_another_parameter_is_another_version_and_the_one_before_goes(snapped):
    """GIVEN a stack with SnapStart; WHEN only a parameter changes; THEN callers meet a new version, the only one."""
    first, known = versions(snapped)
    assert known == {first: "PublishedVersions"}
    assert snapped.request("GET", "/tasks").status == 200
    assert snapped.request("GET", "/openapi.json", user=None).status == 404

    given = settings.read(overrides={**PARAMETERS, "ApiDocs": "true"})
    Connection(snapped.directory, snapped.client, given).deploy()
    second, known = versions(snapped)
    assert second != first
    assert known == {second: "PublishedVersions"}
    assert snapped.request("GET", "/openapi.json", user=None).status == 200


def test_a_bound_that_is_reached_is_a_429_that_says_until_when(snapped):
    """GIVEN one task a minute for a user; WHEN there are more; THEN the next is refused, and that of another user not.

    A minute may turn between two of the three.
    """
    given = settings.read(overrides={**PARAMETERS, "UserTasksPerMinute": "1"})
    Connection(snapped.directory, snapped.client, given).deploy()
    cat = {"taskType": "cat", "input": {"key": "value1"}}
    answers = [snapped.request("POST", "/tasks", cat) for _ in range(3)]
    refused = [answer for answer in answers if answer.status == 429]
    assert answers[0].status == 201
    assert refused
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in refused)
    assert "UserTasksPerMinute" in refused[0].body["message"]
    assert snapped.request("POST", "/tasks", cat, user="carol").status == 201
