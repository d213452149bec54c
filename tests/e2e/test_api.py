"""The API's edges: who is let in, what is too large, other tenants, pages, and requests that are sent twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.driver import Driver, path_of

LIMIT = 3_000_000


def body_of(size):
    """A request to create a task, of exactly so many bytes."""
    head, tail = b'{"taskType":"probe","input":{"do":"return","bytes":5,"padding":"', b'"}}'
    return head + b"x" * (size - len(head) - len(tail)) + tail


def test_the_largest_body(tasks):
    """GIVEN the most bytes that are allowed; WHEN they are sent; THEN it is a task and it runs."""
    answer = tasks.call("POST", "/tasks", body_of(LIMIT))
    assert answer.status == 201
    assert "inputUrl" in answer.body
    assert tasks.wait(answer.body)["status"] == "COMPLETED"


def test_one_byte_more(tasks):
    """GIVEN one byte more; WHEN it is sent; THEN it is too large, and the answer says how much is allowed."""
    answer = tasks.call("POST", "/tasks", body_of(LIMIT + 1))
    assert answer.status == 413
    assert answer.body["statusCode"] == 413
    assert "3000000" in answer.body["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/tasks"), ("POST", "/tasks"), ("POST", "/tasks/step-function-task"), ("GET", "/tasks/cat/some-code")],
)
def test_without_a_token(tasks, method, path):
    """GIVEN nobody; WHEN anything is asked for; THEN 401."""
    assert tasks.call(method, path, user=None).status == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"input": 1}, "taskType"),
        ({"taskType": "cat"}, "input"),
        ({"taskType": "a#b", "input": 1}, "taskType"),
        ({"taskType": "cat", "input": 1, "name": "x" * 257}, "name"),
        ({"taskType": "cat", "input": 1, "inputs": 1}, "inputs"),
        (b'{"taskType": "cat", "input": NaN}', "body"),
        (b"not json", "body"),
    ],
)
def test_what_is_wrong_is_named(tasks, body, field):
    """GIVEN a request with something wrong; WHEN it is sent; THEN 400 names the field."""
    answer = tasks.call("POST", "/tasks", body)
    assert answer.status == 400, answer
    assert field in answer.body["message"]
    assert field in [detail["field"] for detail in answer.body["details"]]


def test_another_tenant_sees_nothing(tasks):
    """GIVEN a task of one tenant; WHEN the other one looks, lists or acts; THEN there is no such task."""
    mine, theirs = tasks.fan_out("cat", [{"key": 1}]), tasks.create("cat", {"key": 1}, user="bob")
    assert (mine["tenantCode"], theirs["tenantCode"]) == ("mbc", "acme")
    path = path_of(mine)
    refused = [
        tasks.call("GET", path, user="bob"),
        tasks.call("GET", f"{path}/sub-tasks", user="bob"),
        tasks.cancel(mine, user="bob"),
        tasks.retry(mine, user="bob"),
    ]
    assert [answer.status for answer in refused] == [404] * 4
    ids = {user: {task["id"] for task in tasks.pages("/tasks", user=user, limit=100)} for user in ("alice", "bob")}
    assert mine["id"] in ids["alice"] - ids["bob"]
    assert theirs["id"] in ids["bob"] - ids["alice"]
    named = {"taskType": "cat", "input": 1, "tenantCode": "mbc"}
    assert tasks.call("POST", "/tasks", named, user="bob").status == 403
    tasks.wait(mine)
    tasks.wait(theirs)


def test_only_the_owner_and_an_admin_control_a_task(tasks):
    """GIVEN a failed task of alice; WHEN carol, who administers the tenant, retries it; THEN she may."""
    task = tasks.run("once", {"do": "fail", "runs": 1})
    answer = tasks.retry(task, user="carol")
    assert answer.status == 202
    assert tasks.wait(task)["status"] == "COMPLETED"


def test_pages(tasks):
    """GIVEN more tasks than a page has; WHEN they are listed page by page; THEN each is there once, newest first."""
    created = [tasks.create("paged", {"do": "give up"}) for _ in range(7)]
    for task in created:
        tasks.wait(task)
    newest_first = [task["code"] for task in reversed(created)]
    for filters in ({}, {"kind": "TASK"}, {"status": "FAILED"}):
        for limit in (1, 3, 7, 100):
            listed = list(tasks.pages("/tasks", limit=limit, taskType="paged", **filters))
            if "status" in filters:  # newest failure first, which need not be the newest task
                ends = [task["updatedAt"] for task in listed]
                assert ends == sorted(ends, reverse=True)
                listed.sort(key=lambda task: task["code"], reverse=True)
            assert [task["code"] for task in listed] == newest_first, (filters, limit)
    assert all(not {"input", "history"} & task.keys() for task in listed)
    assert list(tasks.pages("/tasks", limit=3, taskType="paged", kind="SFN_TASK")) == []
    answer = tasks.call("GET", "/tasks?taskType=paged&limit=3&cursor=forged")
    assert (answer.status, answer.body["details"][0]["field"]) == (400, "cursor")


def test_pages_of_sub_tasks(tasks):
    """GIVEN 25 sub-tasks of which some fail; WHEN they are listed page by page; THEN in input order, by status too."""
    orders = [{"do": "fail"} if index % 5 == 0 else {"do": "echo"} for index in range(25)]
    task = tasks.run_fan_out("once", orders)
    for limit in (1, 4, 25):
        assert [sub_task["index"] for sub_task in tasks.sub_tasks(task, limit)] == list(range(25))
        failed = tasks.sub_tasks(task, limit, status="FAILED")
        assert [sub_task["index"] for sub_task in failed] == [0, 5, 10, 15, 20]


def test_the_same_request_twice(tasks):
    """GIVEN an idempotency key; WHEN requests with it arrive at once and again; THEN there is one task."""
    headers = {"Idempotency-Key": "an order of alice"}
    body = {"taskType": "cat", "input": {"key": 1}}

    def send(_):
        return Driver(tasks.cloud).call("POST", "/tasks", body, headers=headers)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    answers.append(send(None))
    assert len({answer.body["code"] for answer in answers}) == 1
    assert sorted(answer.status for answer in answers) == [200] * 6 + [201]
    other = tasks.call("POST", "/tasks", {**body, "input": {"key": 2}}, headers=headers)
    assert other.status == 409
    elsewhere = tasks.call("POST", "/tasks", body, headers=headers, user="bob")
    assert elsewhere.status == 201
    tasks.wait(answers[0].body)
    tasks.wait(elsewhere.body)
