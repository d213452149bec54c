"""429: whose bound is reached, and when to ask again."""

import re
from dataclasses import replace

import pytest

from tests.unit.api.client import ALICE, BOB_OF_ACME, CAROL_ADMIN, DAVE, Client, event

CAT = {"taskType": "cat", "input": {"key": "value1"}}


@pytest.fixture
def bounded(app, monkeypatch):
    """Sets bounds, as another environment would."""

    def set_to(**bounds):
        monkeypatch.setattr(app.cloud, "settings", replace(app.cloud.settings, **bounds))

    return set_to


@pytest.fixture(autouse=True)
def one_minute(app, monkeypatch):
    """No window turns in a test."""
    now = app.service._clock()
    monkeypatch.setattr(app.service, "_clock", lambda: now.replace(second=30))


def test_a_user_who_has_created_as_many_as_one_may(api: Client, bounded):
    bounded(user_tasks_per_minute=2)
    api.create("cat", 1)
    assert api.post("/tasks/step-function-task", {"taskType": "cat", "input": [1]}).status == 201
    answer = api.post("/tasks", CAT)
    assert (answer.status, answer.headers["Retry-After"]) == (429, str(answer.body["message"].split()[-2]))
    assert answer.body["statusCode"] == 429
    assert re.fullmatch(
        r"one user may create or retry 2 tasks within a minute \(UserTasksPerMinute\), and you have done so; "
        r"try again in \d+ s",
        answer.body["message"],
    )
    assert api.by(DAVE).post("/tasks", CAT).status == 201


def test_an_administrator_is_a_user_like_others(api: Client, bounded):
    bounded(user_tasks_per_minute=1)
    carol = api.by(CAROL_ADMIN)
    assert [carol.post("/tasks", CAT).status for _ in range(2)] == [201, 429]


def test_what_others_of_the_tenant_create_counts_for_the_tenant(api: Client, bounded):
    bounded(tenant_tasks_per_minute=2)
    assert [api.by(who).post("/tasks", CAT).status for who in (ALICE, DAVE, CAROL_ADMIN)] == [201, 201, 429]
    assert api.by(BOB_OF_ACME).post("/tasks", CAT).status == 201


def test_a_retry_counts_for_who_retries(api: Client, bounded):
    bounded(user_tasks_per_minute=1)
    path = f"/tasks/cat/{api.create('cat', 1)['code']}"
    assert api.post(f"{path}/cancel").status == 200
    assert api.post(f"{path}/retry").status == 429
    assert api.by(CAROL_ADMIN).post(f"{path}/retry").status == 202
    assert api.get(path).body["run"] == 1


def test_uploads(api: Client, bounded):
    bounded(user_uploads_per_hour=1)
    assert api.post("/uploads", {}).status == 201
    answer = api.post("/uploads", {})
    assert (answer.status, 0 < int(answer.headers["Retry-After"]) <= 3600) == (429, True)
    api.create("cat", 1)


def test_what_is_malformed_counts_nothing_and_what_only_reads_neither(api: Client, bounded):
    bounded(user_tasks_per_minute=1, tenant_tasks_per_minute=1)
    assert api.post("/tasks", {"taskType": "cat"}).status == 400
    assert api.get("/tasks").status == 200
    api.create("cat", 1)


def test_the_line_of_the_log_says_whose_bound_it_was(api: Client, bounded, log):
    bounded(tenant_tasks_per_minute=1)
    api.create("cat", 1)
    api.send(event("POST", "/tasks", ALICE, '{"taskType": "cat", "input": 1}'))
    api.get("/tasks")
    _, line, after = log()
    assert (line["statusCode"], line["tenantCode"], line["bound"]) == (429, "mbc", "TenantTasksPerMinute")
    assert "bound" not in after
