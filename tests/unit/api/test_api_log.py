"""The one line that a request logs: which task it was about, and the metrics of what it did to it."""

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


def counted(line):
    """Names of the metrics on a line, which CloudWatch counts by task type."""
    return [metric["Name"] for part in line.get("_aws", {}).get("CloudWatchMetrics", ()) for metric in part["Metrics"]]


def test_a_task_that_was_made(api, log):
    task = create(api).body
    [line] = log()
    assert line["message"] == "request"
    assert set(line) >= KEYS | {"requestId"}
    assert line["taskId"] == task["id"]
    assert counted(line) == ["Created"]


def test_a_task_that_was_made_before_is_not_counted_again(api, log):
    for request_id in ("1", "2"):
        create(api, request_id, **{"idempotency-key": "once"})
    assert [counted(line) for line in log()] == [["Created"], []]
    assert len({line["taskId"] for line in log()}) == 1


def test_a_cancel_and_a_retry(api, log):
    task = create(api).body
    for verb in ("cancel", "retry"):
        api.post(f"/tasks/cat/{task['code']}/{verb}")
    assert [counted(line) for line in log()] == [["Created"], ["Cancelled"], ["Created"]]


def test_a_look_is_not_counted_and_the_next_line_is_clean(api, log):
    task = create(api).body
    api.get(f"/tasks/cat/{task['code']}")
    api.get("/tasks")
    _, look, listing = log()
    assert set(look) >= KEYS
    assert counted(look) == counted(listing) == []
    assert not KEYS & set(listing)
