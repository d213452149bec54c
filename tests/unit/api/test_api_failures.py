"""What is our own fault: said neutrally, logged with all there is. And the log of what is nobody's."""

import json

import pytest
from botocore.exceptions import ClientError


def test_an_unexpected_exception_is_logged_and_not_answered(api, app, log, monkeypatch):
    # GIVEN that DynamoDB fails
    def broken(*_, **__):
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": "secret arn"}}, "PutItem")

    monkeypatch.setattr(app.service, "create_task", broken)
    # WHEN a task is created
    answer = api.post("/tasks", {"taskType": "cat", "input": "payload"})
    # THEN the client gets a number to ask with
    assert answer.status == 500
    assert "JKJaXmPLvHcESHA=" in answer.body["message"]
    assert "secret" not in answer.text
    # AND the log has the traceback
    [error] = [line for line in log() if line["level"] == "ERROR"]
    assert "ClientError" in error["exception"]
    assert error["function_request_id"]


@pytest.mark.parametrize("error", [RecursionError, MemoryError, KeyError, AssertionError])
def test_no_exception_escapes(api, app, monkeypatch, error):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(app.service, "list_tasks", broken)
    assert api.get("/tasks").status == 500
    monkeypatch.undo()
    assert api.get("/tasks").status == 200


def test_a_request_is_one_line_in_the_log_without_its_payload(api, log):
    api.post("/tasks", {"taskType": "cat", "name": "my name", "input": "my payload"})
    api.get("/tasks", status="nonsense")
    first, second = log()
    assert {name: first[name] for name in ("message", "method", "path", "statusCode", "requestId")} == {
        "message": "request",
        "method": "POST",
        "path": "/tasks",
        "statusCode": 201,
        "requestId": "JKJaXmPLvHcESHA=",
    }
    assert second["statusCode"] == 400
    assert "my " not in json.dumps(log())
