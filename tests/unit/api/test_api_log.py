"""The one line that a request logs: which task it was about. The relay counts what it did to it."""

from dataclasses import replace

import pytest

from tests.unit.api.client import ALICE, Client, event

KEYS = {"taskId", "tenantCode", "taskType", "status", "attempt", "run"}


@pytest.fixture(autouse=True)
def with_metrics(app, monkeypatch):
    monkeypatch.setattr(app.cloud, "settings", replace(app.cloud.settings, metrics_namespace="prod"))


def create(api: Client, request_id="1", **headers: str):
    request = event("POST", "/tasks", ALICE, '{"taskType": "cat", "input": 1}', headers=headers)
    request["requestContext"]["requestId"] = request_id
    return api.send(request)


def test_a_task_that_was_made(api, log):
    task = create(api).body
    [line] = log()
    assert line["message"] == "request"
    assert set(line) >= KEYS | {"requestId"}
    assert line["taskId"] == task["id"]
    assert "_aws" not in line


def test_a_task_that_was_made_before(api, log):
    for request_id in ("1", "2"):
        create(api, request_id, **{"idempotency-key": "once"})
    assert len({line["taskId"] for line in log()}) == 1


def test_a_cancel_and_a_retry(api, log):
    task = create(api).body
    for verb in ("cancel", "retry"):
        api.post(f"/tasks/cat/{task['code']}/{verb}")
    assert [(line["status"], "_aws" in line) for line in log()] == [
        ("CREATED", False),
        ("CANCELLED", False),
        ("CREATED", False),
    ]


def test_a_look_and_a_clean_line_after_it(api, log):
    task = create(api).body
    api.get(f"/tasks/cat/{task['code']}")
    api.get("/tasks")
    _, look, listing = log()
    assert set(look) >= KEYS
    assert not KEYS & set(listing)
