"""GET /tasks/{taskType}/{code}/results: links to all outcomes."""

import base64
import json
import random
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from serverless_tasks.adapters.payloads import PayloadStore
from serverless_tasks.core.fan_out.chunks import Chunk, Range
from serverless_tasks.core.times import from_iso

from tests.unit.api.client import BOB_OF_ACME, RITA_READER

TOKEN_BYTES = 4096
"""Of a session token, which typically has fewer (STS API reference, AssumeRole)."""


def path(task):
    return f"/tasks/{task['type']}/{task['code']}/results"


def stored(cloud, url):
    """The lines that a link leads to."""
    key = url.partition("?")[0].partition(".com/")[2]
    body = cloud.payloads._client.get_object(Bucket="payloads", Key=key)["Body"].read()
    return [json.loads(line) for line in body.decode().splitlines()]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://console.example.com"}, 200),
        ({"sec-fetch-mode": "cors"}, 200),  # from the API's own host, and then without Origin
        ({"sec-fetch-mode": "same-origin"}, 200),
        ({"sec-fetch-mode": "navigate"}, 303),  # the browser itself, which can follow
        ({}, 303),
    ],
)
def test_a_script_in_a_browser_is_led_nowhere(api, fan_out, headers, status):
    task = api.create_list("cat", ["a"])
    fan_out(task, str.upper)
    answer = api.get_with(path(task), headers)
    assert (answer.status, len(answer.body["items"])) == (status, 1)
    assert ("Location" in answer.headers) == (status == 303)


def test_one_object_is_where_the_answer_leads(api, cloud, fan_out):
    # GIVEN an ended fan-out with small results
    task = api.create_list("cat", ["a", "b", "c"])
    fan_out(task, str.upper)

    for user in (api, api.by(RITA_READER)):
        asked = datetime.now(UTC)
        answer = user.get(path(task))
        # THEN every user of its tenant is led to the one object, which has a line for each sub-task
        [link] = answer.body["items"]
        assert (answer.status, answer.headers["Location"]) == (303, link["url"])
        assert (link["first"], link["count"]) == (0, 3)
        assert [(line["index"], line["result"]) for line in stored(cloud, link["url"])] == [
            (0, "A"),
            (1, "B"),
            (2, "C"),
        ]
        assert f"/payloads/mbc/{task['code']}/" in link["url"]
        # AND for 15 minutes
        assert "X-Amz-Expires=900" in link["url"]
        ends = from_iso(answer.body["expiresAt"]) - asked
        assert timedelta(seconds=899) < ends < timedelta(seconds=960)


def test_many_objects_are_listed_in_input_order(api, cloud, fan_out):
    # GIVEN chunks of which some outgrow their item
    task = api.create_list("cat", [1, 2, 5000, 4, 5000, 6])
    fan_out(task, lambda size: "r" * size, chunk_size=2)

    answer = api.get(path(task))

    assert (answer.status, "Location" in answer.headers) == (200, False)
    assert [(link["first"], link["count"]) for link in answer.body["items"]] == [(0, 2), (2, 2), (4, 2)]
    sizes = [len(line["result"]) for link in answer.body["items"] for line in stored(cloud, link["url"])]
    assert sizes == [1, 2, 5000, 4, 5000, 6]


def test_an_open_task_has_none_yet(api):
    answer = api.get(path(api.create_list("cat", [1])))
    expected = "the task is CREATED; ask again when it has ended, or list its sub-tasks meanwhile"
    assert (answer.status, answer.body["message"]) == (409, expected)


def test_a_single_task_has_none(api, end):
    task = api.create("cat", 1)
    end(task, "done")
    answer = api.get(path(task))
    assert answer.status == 404
    assert answer.body["message"] == "a single task has no sub-tasks; its result is in the task itself"


def test_a_task_that_was_cancelled_early_has_an_empty_one(api, cloud):
    task = api.create_list("cat", [1, 2])
    api.post(f"/tasks/cat/{task['code']}/cancel")
    answer = api.get(path(task))
    assert (answer.status, answer.body["items"][0]["count"]) == (303, 0)
    assert stored(cloud, answer.headers["Location"]) == []


def test_another_tenant_gets_no_link(api, fan_out):
    task = api.create_list("cat", ["secret"])
    fan_out(task, str.upper)
    answer = api.by(BOB_OF_ACME).get(path(task))
    assert (answer.status, "Location" in answer.headers) == (404, False)
    assert "payloads/mbc" not in answer.text


def test_a_thousand_links_fit_into_an_answer_of_lambda(api, app, cloud, monkeypatch):
    # GIVEN a task with as many objects as there can be, and a role whose session token is as long as they get
    task = api.create_list("cat", [])
    api.post(f"/tasks/cat/{task['code']}/cancel")
    reference = {"key": f"payloads/mbc/{task['code']}/outcomes/000000-1000-1000.jsonl", "bytes": 1, "etag": '"e"'}
    found = [
        Chunk(pk="", sk="", range=Range(number, number * 10_000, 10_000), outcomes_ref=reference)
        for number in range(1000)
    ]
    monkeypatch.setattr(cloud.table, "chunks", lambda *_: iter(found))
    token = base64.b64encode(random.Random(1).randbytes(TOKEN_BYTES * 3 // 4)).decode()
    role = boto3.Session("testing", "testing", token)
    client = role.client("s3", config=Config(signature_version="s3v4"))
    monkeypatch.setattr(
        cloud, "payloads", PayloadStore(client, "serverless-tasks-production-payloadbucket-1a2b3c4d5e6f7")
    )

    # THEN the client, which checks the size of every answer, gets them all
    answer = api.get(path(task))
    assert (answer.status, len(answer.body["items"])) == (200, 1000)
    assert len(answer.body["items"][0]["url"]) > TOKEN_BYTES
