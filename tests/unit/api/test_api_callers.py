"""Who may call: ID tokens only, one tenant per token, groups in every spelling."""

import json

import pytest

from tests.unit.api.client import ALICE, BOB_OF_ACME, CAROL_ADMIN, RITA_READER, person

EVERY_ROUTE = [
    ("GET", "/tasks"),
    ("POST", "/tasks"),
    ("POST", "/tasks/step-function-task"),
    ("GET", "/tasks/cat/{code}"),
    ("GET", "/tasks/cat/{code}/sub-tasks"),
    ("GET", "/tasks/cat/{code}/chunks"),
    ("GET", "/tasks/cat/{code}/results"),
    ("POST", "/tasks/cat/{code}/cancel"),
    ("POST", "/tasks/cat/{code}/retry"),
]


def call(client, method, path, task):
    path = path.format(code=task["code"])
    return client.get(path) if method == "GET" else client.post(path, {"taskType": "cat", "input": []})


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
@pytest.mark.parametrize(
    "claims",
    [
        {**ALICE, "token_use": "access"},
        {**ALICE, "token_use": None},
        {name: value for name, value in ALICE.items() if name != "custom:tenant"},
        {name: value for name, value in ALICE.items() if name != "sub"},
        {**ALICE, "sub": ""},
        {**ALICE, "custom:tenant": ""},
        {**ALICE, "custom:tenant": "mbc#acme"},
        {**ALICE, "custom:tenant": " mbc"},
        {**ALICE, "custom:tenant": "mbc\n"},
        {**ALICE, "custom:tenant": "x" * 65},
        {**ALICE, "custom:tenant": ["mbc"]},
        {},
        None,
    ],
    ids=lambda claims: json.dumps(claims)[-60:],
)
def test_a_token_that_is_no_id_token_of_a_tenant_opens_nothing(api, method, path, claims):
    task = api.create("cat", 1)
    assert call(api.by(claims), method, path, task).status == 403


def test_a_token_of_another_issuer_has_no_use(api):
    claims = {name: value for name, value in ALICE.items() if name != "token_use"}
    assert api.by({**claims, "iss": "https://login.example.com/"}).get("/tasks").status == 200


def test_the_refusal_of_an_access_token_says_what_to_send(api):
    answer = api.by({**ALICE, "token_use": "access"}).get("/tasks")
    assert answer.body["message"] == "send the ID token: no other token says which tenant you belong to"


def test_another_tenants_task_does_not_exist(api):
    # GIVEN a task of mbc
    task = api.create("cat", "secret")
    fan = api.create_list("cat", ["secret"])
    bob = api.by(BOB_OF_ACME)
    admin_of_acme = api.by(person("eve", "acme", "task-admin"))

    for other in (bob, admin_of_acme):
        # THEN for acme it is as missing as one that never was
        for found in (task, fan):
            for method, path in EVERY_ROUTE[3:]:
                answer = call(other, method, path, found)
                assert answer.status == 404
                assert "secret" not in answer.text
        # AND no list shows it
        for query in ({}, {"taskType": "cat"}, {"kind": "TASK", "taskType": "cat"}, {"status": "FAILED"}):
            assert other.get("/tasks", **query).body == {"items": []}
    assert api.get(f"/tasks/cat/{task['code']}").status == 200


def test_a_body_may_name_the_own_tenant_only(api):
    for path, data in (("/tasks", 1), ("/tasks/step-function-task", [1])):
        body = {"taskType": "cat", "input": data}
        assert api.post(path, {**body, "tenantCode": "mbc"}).body["tenantCode"] == "mbc"
        assert api.post(path, {**body, "tenantCode": None}).body["tenantCode"] == "mbc"
        for foreign in ("acme", "", "MBC", "mbc ", "mbc#"):
            answer = api.post(path, {**body, "tenantCode": foreign})
            assert answer.status == 403
            assert "tenantCode" in answer.body["message"]
    assert api.by(BOB_OF_ACME).get("/tasks").body == {"items": []}


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
def test_a_reader_only_reads(api, method, path):
    task = api.create_list("cat", [])
    readable = 409 if path.endswith("/results") else 200  # the task is still open
    assert call(api.by(RITA_READER), method, path, task).status == (readable if method == "GET" else 403)


@pytest.mark.parametrize(
    "groups",
    [
        "[task-admin]",
        "[eu-west-1_x_Google task-admin]",
        "[task-admin eu-west-1_x_Google]",
        "[o'brien task-admin x,y [z]]",
        ["task-admin"],
        ["a", "task-admin"],
    ],
)
def test_groups_of_a_list_are_read(api, groups):
    task = api.create("cat", 1)
    carol = api.by({**CAROL_ADMIN, "cognito:groups": groups})
    assert carol.post(f"/tasks/cat/{task['code']}/cancel").status == 200


@pytest.mark.parametrize(
    "groups",
    [
        "[not-task-admin]",
        "[task-admins]",
        "[x,task-admin]",
        "[]",
        "",
        "[task admin]",
        "[a,task-admin]",
        "[task-admin, a]",
        "[,task-admin]",
        "[task-admin,]",
        "[[task-admin]",
        "[task-admin]]",
        '["a","task-admin"]',
        '["task-admin"]',
        "['task-admin', 'a']",
        "[o'task-admin]",
        '[x",task-admin]',
        "[o'brien x,task-admin]",
        "[TASK-ADMIN]",
        "[task-admin\u200b]",
        "[a\ttask-admin]",
        " [task-admin]",
        "[task-admin]\n",
        "task-admin",
        "a,task-admin",
        "[",
        "]",
        [],
        None,
        {"task-admin": 0},
        1,
        [["task-admin"]],
    ],
)
def test_what_only_resembles_a_group_is_none(api, groups):
    task = api.create("cat", 1)
    dave = api.by(person("dave", **{"cognito:groups": groups}))
    assert dave.post(f"/tasks/cat/{task['code']}/cancel").status == 403


@pytest.mark.parametrize(
    "groups",
    [
        "[task-reader]",
        "[a, task-reader]",
        '["a","task-reader"]',
        "task-reader",
        "a,task-reader",
        "[task-reader",
        ["task-reader"],
    ],
)
def test_a_reader_is_one_however_the_groups_are_written(api, groups):
    rita = api.by(person("rita", **{"cognito:groups": groups}))
    assert rita.post("/tasks", {"taskType": "cat", "input": 1}).status == 403


def test_a_reader_stays_one_in_whatever_other_group(api):
    task = api.create("cat", 1)
    both = api.by(person("max", "mbc", "task-admin", "task-reader"))
    assert both.post(f"/tasks/cat/{task['code']}/cancel").status == 403
