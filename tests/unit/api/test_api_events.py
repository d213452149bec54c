"""The API's sample events, accepted by its handler and answered as the description says."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core.dynamodb.attribute_values import decode_item
from serverless_tasks.core.dynamodb.expressions import Put
from serverless_tasks.core.task.status import TaskKind

from tests.support import events
from tests.unit.api.client import Client

ROUTES = {name: events.load(name)["routeKey"] for name in events.NAMES if name.startswith("api-")}
ANSWERS = {
    "api-create-task": 201,
    "api-create-step-function-task": 201,
    "api-create-upload": 201,
    "api-create-step-function-task-of-upload": 201,
    "api-list-task-types": 200,
    "api-list-tasks": 200,
    "api-get-task": 200,
    "api-list-sub-tasks": 200,
    "api-list-chunks": 200,
    "api-list-results": 303,
    "api-cancel-task": 200,
    "api-retry-task": 202,
    "api-openapi": 200,
    "api-docs": 200,
}
STATES = (
    "relay-task-created",
    "relay-step-function-task-created",
    "relay-step-function-task-cancelled",
    "relay-task-failed",
)
"""Events that hold the tasks which the API's events are about."""


OF_UPLOAD = "api-create-step-function-task-of-upload"


@pytest.fixture
def tasks(cloud: Cloud) -> None:
    """The tasks, each in the table in the state in which the event makes sense, and the upload of two cats."""
    for name in STATES:
        cloud.table.put(Put(decode_item(events.image(name))))
    cloud.payloads.put(json.loads(events.load(OF_UPLOAD)["body"])["inputRef"], "key\nvalue1\nvalue2\n")


def test_each_event_is_for_a_route(document: dict[str, Any]):
    described = {f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations}
    assert set(ROUTES.values()) <= described | {"GET /openapi.json", "GET /docs"}
    assert ROUTES.keys() == ANSWERS.keys()


@pytest.mark.filterwarnings("ignore:.*swagger-ui:pytest.PytestUnraisableExceptionWarning")  # Powertools leaves it open
@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.usefixtures("tasks")
def test_the_handler_accepts_it(api: Client, name: str):
    assert api.send(events.load(name)).status == ANSWERS[name]


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    "name",
    ["api-get-task", "api-list-sub-tasks", "api-list-chunks", "api-list-results", "api-cancel-task", "api-retry-task"],
)
def test_without_its_task_it_is_404(api: Client, name: str):
    assert api.send(events.load(name)).status == 404


@pytest.mark.usefixtures("tasks")
def test_the_example_of_six_cats(api: Client):
    task = api.send(events.load("api-create-step-function-task")).body
    assert task["kind"] == TaskKind.SFN_TASK
    assert task["input"] == [{"key": f"value{number}"} for number in range(1, 7)]


@pytest.mark.usefixtures("tasks")
def test_the_example_of_uploaded_cats(api: Client):
    assert api.send(events.load(OF_UPLOAD)).body["input"] == [{"key": "value1"}, {"key": "value2"}]
    upload = api.send(events.load("api-create-upload")).body
    assert upload["inputRef"].startswith("uploads/mbc/")
    assert upload["inputRef"].endswith(".csv")


@pytest.mark.parametrize("name", ANSWERS)
def test_it_is_as_api_gateway_sends_it(name: str):
    event = events.load(name)
    context = event["requestContext"]
    assert event["version"] == "2.0"
    assert event["routeKey"] == context["routeKey"]
    path = context["routeKey"].partition(" ")[2]
    assert path.format(**event.get("pathParameters", {})) == event["rawPath"] == context["http"]["path"]
    assert int(event["headers"]["content-length"]) == len(event.get("body", "").encode())
    if "authorizer" in context:
        claims: Mapping[str, Any] = context["authorizer"]["jwt"]["claims"]
        assert all(isinstance(value, str) for value in claims.values())
        assert (claims["token_use"], claims["custom:tenant"]) == ("id", "mbc")
        assert int(claims["iat"]) * 1000 < context["timeEpoch"] < int(claims["exp"]) * 1000
        assert re.fullmatch(r"\[[a-z -]+]", claims.get("cognito:groups", "[task-admin]"))
    if "body" in event:
        assert isinstance(json.loads(event["body"]), dict)
