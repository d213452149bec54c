"""The header Idempotency-Key: a request that is sent again makes no second task."""

import json

import pytest

from tests.unit.api.client import ALICE, BOB_OF_ACME, DAVE, Answer, Client, event

CAT = {"taskType": "cat", "input": {"key": "value1"}}
CATS = {"taskType": "cat", "input": [{"key": "value1"}]}


@pytest.fixture
def send(api: Client):
    """Sends a request of its own id each time, as API Gateway numbers them."""
    sent = iter(range(1000))

    def send(body, key="key-1", claims=ALICE, route="/tasks") -> Answer:
        request = event("POST", route, claims, json.dumps(body), headers={"idempotency-key": key})
        request["requestContext"]["requestId"] = f"request-{next(sent)}"
        return api.send(request)

    return send


@pytest.mark.parametrize(("route", "body"), [("/tasks", CAT), ("/tasks/step-function-task", CATS)])
def test_the_same_request_again_is_answered_with_the_same_task(api, send, route, body):
    first = send(body, route=route)
    again = send(body, route=route)

    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert len(api.get("/tasks").body["items"]) == 1


def test_another_body_under_the_same_key_is_a_conflict(api, send):
    send(CAT)
    refused = send({**CAT, "input": {"key": "value2"}})

    assert refused.status == 409
    assert "use a new key" in refused.body["message"]
    assert len(api.get("/tasks").body["items"]) == 1


def test_the_order_of_keys_and_the_spelling_of_numbers_are_no_other_body(api, send):
    first = send({**CAT, "input": {"a": 2, "b": [1.0, 9007199254740993]}})
    again = send({**CAT, "input": {"b": [1, 9007199254740993], "a": 2.0}})
    other = send({**CAT, "input": {"b": [1, 9007199254740992], "a": 2.0}})

    assert (first.status, again.status, other.status) == (201, 200, 409)
    assert again.body == first.body


@pytest.mark.parametrize("other", [{"claims": DAVE}, {"key": "key-2"}, {"claims": BOB_OF_ACME}])
def test_keys_are_the_users_own(send, other):
    assert send(CAT).status == 201
    assert send(CAT, **other).status == 201


def test_without_the_header_every_request_makes_a_task(api):
    assert [api.post("/tasks", CAT).status for _ in range(2)] == [201, 201]


@pytest.mark.parametrize("key", ["", "k" * 256, "ü", "\u007f"])
def test_a_bad_key_is_refused_by_name(api, send, key):
    refused = send(CAT, key=key)

    assert refused.status == 400
    assert refused.body["details"][0]["field"].lower() == "idempotency-key"
    assert api.get("/tasks").body["items"] == []


def test_the_longest_key_is_taken(send):
    assert send(CAT, key="k" * 255).status == 201
