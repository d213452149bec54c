"""Tasks through the API: created, shown, listed, cancelled, retried."""

import json
import re

import boto3
import pytest
from serverless_tasks import LostRace

from tests.support.crossings import entered
from tests.unit.api.client import ALICE, CAROL_ADMIN, DAVE, event

MOST_MODULES = 13
"""Of the API's folder and the layer, that a reader opens to follow the request of a creation. The number only falls."""
EDGE = 262_144
"""Bytes of a payload up to which an answer carries it."""


def text_of(size):
    """A string that is so many bytes of JSON."""
    return "x" * (size - 2)


def path(task):
    return f"/tasks/{task['type']}/{task['code']}"


def test_a_creation_crosses_no_more_modules_than_a_reader_can_follow(api):
    api.create("cat", 1)  # a warm function, whose clients are made
    with entered(crossed := set()):
        api.create("cat", 1)
    assert {"api.app", "service.creation"} <= crossed
    assert len(crossed) <= MOST_MODULES, sorted(crossed)


def test_a_task_is_created_and_answered_as_it_is_stored(api):
    # WHEN a user creates a task
    answer = api.post("/tasks", {"taskType": "cat", "name": "Feed Tom", "input": {"key": "value1"}})

    # THEN it is there, not dispatched yet, with its input and its origin
    assert answer.status == 201
    task = answer.body
    code = task["code"]
    assert {name: task[name] for name in task if name not in ("createdAt", "updatedAt", "history", "usage")} == {
        "id": f"TASK#mbc#cat#{code}",
        "pk": "TASK#mbc",
        "sk": f"cat#{code}",
        "kind": "TASK",
        "code": code,
        "type": "cat",
        "name": "Feed Tom",
        "tenantCode": "mbc",
        "status": "CREATED",
        "version": 0,
        "attempt": 0,
        "run": 0,
        "input": {"key": "value1"},
        "attributes": {},
        "requestId": "JKJaXmPLvHcESHA=",
        "createdBy": ALICE["sub"],
        "updatedBy": ALICE["sub"],
        "createdIp": "203.0.113.7",
        "updatedIp": "203.0.113.7",
    }
    assert [(entry["status"], entry["by"]) for entry in task["history"]] == [("CREATED", ALICE["sub"])]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", task["createdAt"])
    # AND reading it gives the same
    assert api.get(path(task)).body == task


def test_the_name_is_the_task_type_if_it_is_left_out(api):
    assert api.create("cat", 1)["name"] == "cat"
    assert api.create("cat", 1, name=None)["name"] == "cat"


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "x" * 256,
        "猫に餌をやる\u3000夜",
        "👨\u200d👩\u200d👧",
        "😀" * 256,
        "עברית",
        "a\u00a0b",
        "<script>",
        "#",
        " ",
    ],
)
def test_a_name_is_text_of_any_language(api, name):
    task = api.create("cat", 1, name=name)
    assert api.get(path(task)).body["name"] == name


@pytest.mark.parametrize(
    "data",
    [None, True, 0, -1.5, 1e300, 10**4299, "", "\ud800", "\x00", [], {}, {"": {"a": [None]}}, [[[]]], "猫" * 5000],
    ids=lambda data: f"{data!r:.20}",
)
def test_an_input_is_any_json(api, data):
    task = api.create("cat", data)
    assert task["input"] == data
    assert api.get(path(task)).body["input"] == data


@pytest.mark.parametrize("brackets", ["[]", ('{"a":', "}")])
def test_an_input_may_have_100_levels(api, brackets):
    opening, closing = brackets
    innermost = "1" if opening != "[" else ""
    deep = opening * 100 + innermost + closing * 100
    answer = api.post_text("/tasks", f'{{"taskType":"cat","input":{deep}}}')
    assert answer.status == 201
    assert api.get(path(answer.body)).body["input"] == json.loads(deep)


@pytest.mark.parametrize("size", [5, 3_900, 4_096, 4_097, EDGE])
def test_payloads_up_to_256_kb_are_in_the_answer(api, end, size):
    # GIVEN a task with an input and a result of this size
    task = api.create("cat", text_of(size))
    end(task, text_of(size))

    # THEN creating and reading it answer with the values
    assert task["input"] == text_of(size)
    shown = api.get(path(task)).body
    assert shown["input"] == text_of(size)
    assert shown["attributes"]["result"] == text_of(size)
    assert not {"inputUrl", "inputRef"} & set(shown)
    assert set(shown["attributes"]) == {"progress", "result"}


@pytest.mark.parametrize("size", [EDGE + 1, 1_100_000])
def test_larger_payloads_are_linked(api, cloud, end, size):
    # GIVEN a task with an input and a result above 256 KB
    task = api.create("cat", text_of(size))
    end(task, text_of(size))

    # THEN answers have links instead, to the objects, and nothing of the machinery
    shown = api.get(path(task)).body
    for answer in (task, shown):
        assert not {"input", "inputRef"} & set(answer)
        assert f"payloads/mbc/{task['code']}/input.json" in answer["inputUrl"]
        assert "X-Amz-Expires=900" in answer["inputUrl"]
    assert f"payloads/mbc/{task['code']}/result.json" in shown["attributes"]["resultUrl"]
    assert not {"result", "resultRef"} & set(shown["attributes"])


def test_a_deleted_payload_does_not_hide_the_task(api, cloud):
    task = api.create("cat", text_of(5000))
    cloud.payloads._client.delete_object(Bucket="payloads", Key=f"payloads/mbc/{task['code']}/input.json")
    answer = api.get(path(task))
    assert (answer.status, answer.body["status"]) == (200, "CREATED")
    assert "inputUrl" in answer.body


def test_a_step_functions_task_is_created_from_a_list(api):
    # GIVEN a list too large for the item, and a small one
    for data in ([{"key": text_of(1000)}] * 6, [1, 2], []):
        # WHEN a Step Functions task is created
        task = api.create_list("cat", data)
        # THEN it is found by type and code like any other
        assert (task["kind"], task["pk"], task["input"]) == ("SFN_TASK", "SFN_TASK#mbc", data)
        assert api.get(path(task)).body == task


def test_a_large_list_is_linked(api):
    task = api.create_list("cat", [text_of(100_000)] * 3)
    assert f"payloads/mbc/{task['code']}/input.jsonl" in task["inputUrl"]
    assert "input" not in api.get(path(task)).body


def test_a_failed_task_shows_its_error(api, end):
    task = api.create("cat", 1)
    end(task, error="the cat is away")
    shown = api.get(path(task)).body
    assert shown["status"] == "FAILED"
    assert shown["attributes"]["error"] == {"type": "Error", "message": "the cat is away"}


# ---------------------------------------------------------------------------------------------- sub-tasks


def test_sub_tasks_are_listed_in_the_order_of_the_input(api, fan_out):
    # GIVEN the fan-out of six of the module that this follows
    task = api.create_list("cat", [{"key": f"value{number}"} for number in range(1, 7)])
    fan_out(task, lambda data: {"fed": data["key"]})

    # THEN the task counts them
    shown = api.get(path(task)).body
    assert [entry["status"] for entry in shown["history"]] == ["CREATED", "PROCESSING", "FINISHED", "COMPLETED"]
    assert {name: value for name, value in shown["attributes"].items() if name != "result"} == {
        "progress": 1.0,
        "subTaskCount": 6,
        "subTaskSucceedCount": 6,
        "subTaskFailedCount": 0,
        "subTaskRunningCount": 0,
    }
    # AND each is shown with input and result
    items = api.get(f"{path(task)}/sub-tasks").body["items"]
    assert [item["index"] for item in items] == list(range(6))
    first = items[0]
    assert first | {"startedAt": "", "finishedAt": ""} == {
        "pk": "SFN_TASK#mbc",
        "sk": f"{task['sk']}#0",
        "index": 0,
        "status": "COMPLETED",
        "attempt": 1,
        "input": {"key": "value1"},
        "attributes": {"result": {"fed": "value1"}},
        "startedAt": "",
        "finishedAt": "",
    }


def test_sub_tasks_are_listed_in_pages_and_by_status(api, fan_out):
    # GIVEN seven sub-tasks of which two fail
    task = api.create_list("cat", list(range(7)))
    fan_out(task, lambda data: 1 / (data % 3), chunk_size=2, tolerated_failures=6)

    # THEN pages follow each other
    indexes, cursor = [], {}
    while cursor is not None:
        page = api.get(f"{path(task)}/sub-tasks", limit=3, **cursor).body
        indexes.append([item["index"] for item in page["items"]])
        cursor = {"cursor": page["cursor"]} if "cursor" in page else None
    assert indexes == [[0, 1, 2], [3, 4, 5], [6]]
    # AND a status is a filter
    failed = api.get(f"{path(task)}/sub-tasks", status="FAILED").body["items"]
    assert [item["index"] for item in failed] == [0, 3, 6]
    assert failed[0]["attributes"] == {"error": {"type": "ZeroDivisionError", "message": "division by zero"}}
    assert api.get(f"{path(task)}/sub-tasks", status="QUEUED").body == {"items": []}


def test_large_payloads_of_sub_tasks_are_linked_or_fill_a_page(api, fan_out):
    # GIVEN elements up to and above 256 KB
    sizes = [EDGE, EDGE + 1, 10]
    task = api.create_list("cat", [text_of(size) for size in sizes])
    fan_out(task, lambda data: data)

    # THEN what is too large is linked: the input to the list's object, the result to its own
    items = api.get(f"{path(task)}/sub-tasks").body["items"]
    assert [len(item.get("input", "")) for item in items] == [EDGE - 2, 0, 8]
    assert [len(item["attributes"].get("result", "")) for item in items] == [EDGE - 2, 0, 8]
    assert f"payloads/mbc/{task['code']}/input.jsonl" in items[1]["inputUrl"]
    assert f"payloads/mbc/{task['code']}/" in items[1]["attributes"]["resultUrl"]
    assert "inputUrl" not in items[0]


def test_sub_tasks_are_shown_also_when_their_payloads_have_ended(api, dynamodb, fan_out):
    # GIVEN one list that ran, and one that did not, both in the bucket
    ran, waits = (api.create_list("cat", ["x" * 5000] * 2) for _ in range(2))
    fan_out(ran, lambda data: data)
    # WHEN the bucket loses everything
    bucket = boto3.client("s3")
    for item in bucket.list_objects_v2(Bucket="payloads")["Contents"]:
        bucket.delete_object(Bucket="payloads", Key=item["Key"])
    # THEN what the items say is there
    items = api.get(f"{path(ran)}/sub-tasks").body["items"]
    assert [(item["index"], item["status"], item["input"]) for item in items] == [
        (0, "COMPLETED", None),
        (1, "COMPLETED", None),
    ]
    assert api.get(f"{path(waits)}/sub-tasks").body == {"items": []}


def test_a_page_of_sub_tasks_fits_into_an_answer_of_lambda(api, fan_out):
    # GIVEN results whose JSON doubles once more when Lambda quotes it (the client checks the size of every answer)
    task = api.create_list("cat", list(range(30)))
    fan_out(task, lambda data: '"' * 100_000)

    # THEN pages end early, and nothing is lost
    indexes, cursor = [], {}
    while cursor is not None:
        page = api.get(f"{path(task)}/sub-tasks", limit=100, **cursor).body
        indexes += [item["index"] for item in page["items"]]
        cursor = {"cursor": page["cursor"]} if "cursor" in page else None
    assert indexes == list(range(30))


def test_a_result_of_100_levels_is_shown(api, fan_out):
    deep = json.loads("[" * 100 + "]" * 100)
    task = api.create_list("cat", [1])
    fan_out(task, lambda data: deep)
    assert api.get(f"{path(task)}/sub-tasks").body["items"][0]["attributes"] == {"result": deep}


def test_a_single_task_has_no_sub_tasks(api):
    task = api.create("cat", [1, 2])
    assert api.get(f"{path(task)}/sub-tasks").body == {"items": []}


# -------------------------------------------------------------------------------------------------- lists


def test_tasks_are_listed_newest_first_without_their_payloads(api, end):
    # GIVEN a completed task, a failed one and a list
    first, second = api.create("cat", text_of(5000)), api.create("dog", "small")
    end(first, text_of(5000))
    end(second, error="no")
    third = api.create_list("cat", [1])

    # THEN the list shows them from the newest on, without input, result and history
    items = api.get("/tasks").body["items"]
    assert [item["code"] for item in items] == sorted((task["code"] for task in (first, second, third)), reverse=True)
    assert not {"input", "inputRef", "inputUrl", "history"} & {name for item in items for name in item}
    by_code = {item["code"]: item["attributes"] for item in items}
    assert by_code[first["code"]] == {"progress": 1}
    assert by_code[second["code"]] == {"error": {"type": "Error", "message": "no"}}


def test_a_list_is_filtered_and_goes_on_behind_its_cursor(api, end):
    # GIVEN five cats, two dogs, a fan-out, and a failure among the cats
    cats = [api.create("cat", number) for number in range(5)]
    dogs = [api.create("dog", number) for number in range(2)]
    fan = api.create_list("cat", [1])
    end(cats[1], error="no")

    def listed(**query):
        codes, cursor = [], {}
        while cursor is not None:
            page = api.get("/tasks", **query, **cursor).body
            codes += [item["code"] for item in page["items"]]
            cursor = {"cursor": page["cursor"]} if "cursor" in page else None
        return set(codes), len(codes)

    def expected(*tasks):
        return {task["code"] for task in tasks}, len(tasks)

    # THEN every filter gives what it says, page by page, nothing twice
    for limit in (1, 3, 100):
        assert listed(limit=limit) == expected(*cats, *dogs, fan)
        assert listed(limit=limit, taskType="cat") == expected(*cats, fan)
        assert listed(limit=limit, kind="SFN_TASK") == expected(fan)
        assert listed(limit=limit, kind="TASK", taskType="cat") == expected(*cats)
        assert listed(limit=limit, status="FAILED") == expected(cats[1])
        assert listed(limit=limit, status="CREATED", taskType="dog") == expected(*dogs)
        assert listed(limit=limit, status="COMPLETED") == expected()


def test_a_page_has_20_tasks_unless_the_request_says_otherwise(api):
    for number in range(21):
        api.create("cat", number)
    assert len(api.get("/tasks").body["items"]) == 20
    assert len(api.get("/tasks", limit=100).body["items"]) == 21


# ------------------------------------------------------------------------------------- cancel and retry


def test_a_task_is_cancelled_and_retried(api):
    # GIVEN an open task
    task = api.create("cat", 1)

    # WHEN it is cancelled
    answer = api.post(f"{path(task)}/cancel")
    # THEN it is CANCELLED, by whom is known, and doing it again is refused with its status
    assert (answer.status, answer.body["status"], answer.body["updatedBy"]) == (200, "CANCELLED", ALICE["sub"])
    assert answer.body["input"] == 1
    again = api.post(f"{path(task)}/cancel")
    assert again.status == 409
    assert "CANCELLED" in again.body["message"]

    # WHEN it is retried
    answer = api.post(f"{path(task)}/retry")
    # THEN it begins a new run
    assert (answer.status, answer.body["status"], answer.body["run"]) == (202, "CREATED", 1)
    refused = api.post(f"{path(task)}/retry")
    assert refused.status == 409
    assert "CREATED" in refused.body["message"]


def test_a_completed_task_stays_completed(api, end):
    task = api.create("cat", 1)
    end(task, {"fed": True})
    for action in ("cancel", "retry"):
        answer = api.post(f"{path(task)}/{action}")
        assert answer.status == 409
        assert "COMPLETED" in answer.body["message"]


def test_an_action_needs_no_body_and_reads_none(api):
    task = api.create("cat", 1)
    for text in (None, "", "{", "x" * 4_000_000):
        assert api.post_text(f"{path(task)}/cancel", text).status in (200, 409)


def test_the_loser_of_a_race_is_asked_to_try_again(api, app, monkeypatch):
    task = api.create("cat", 1)

    def lost(*_):
        raise LostRace("another writer was first", {"status": "PROCESSING"})

    monkeypatch.setattr(app.service, "cancel_task", lost)
    answer = api.post(f"{path(task)}/cancel")
    assert (answer.status, answer.body["message"]) == (409, "the task was changed at the same time; ask again")


def test_users_control_their_own_tasks_and_admins_all(api):
    # GIVEN a task of Alice
    task = api.create("cat", 1)

    # THEN a colleague may read it and not touch it
    dave, carol = api.by(DAVE), api.by(CAROL_ADMIN)
    assert dave.get(path(task)).status == 200
    for action in ("cancel", "retry"):
        assert dave.post(f"{path(task)}/{action}").status == 403
    # AND an admin may do both
    assert carol.post(f"{path(task)}/cancel").body["updatedBy"] == CAROL_ADMIN["sub"]
    retried = carol.post(f"{path(task)}/retry").body
    assert (retried["createdBy"], retried["updatedBy"]) == (ALICE["sub"], CAROL_ADMIN["sub"])


def test_the_content_type_is_the_clients_own_business(api):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", ""):
        text = '{"taskType":"cat","input":1}'
        assert api.post_text("/tasks", text, **{"content-type": content_type}).status == 201
        assert api.post_text("/tasks", text, **{"Content-Type": content_type}).status == 201
    assert api.send({**event("POST", "/tasks", ALICE, text), "headers": {}}).status == 201


def test_a_body_in_base64_is_decoded(api):
    # GIVEN that API Gateway passes binary content types on in base64
    answer = api.post_bytes("/tasks", '{"taskType":"cat","input":"猫"}'.encode())
    assert (answer.status, answer.body["input"]) == (201, "猫")


def test_sub_tasks_are_shown_before_they_are_planned_and_after_a_cancel(api):
    # GIVEN a Step Functions task that nobody has planned
    task = api.create_list("cat", ["a", "b", "c"])
    large = api.create_list("cat", ["x" * 3000, "y" * 3000])

    # THEN its sub-tasks are there, page by page
    page = api.get(f"{path(task)}/sub-tasks", limit=2).body
    assert [(item["index"], item["input"], item["status"]) for item in page["items"]] == [
        (0, "a", "CREATED"),
        (1, "b", "CREATED"),
    ]
    rest = api.get(f"{path(task)}/sub-tasks", limit=2, cursor=page["cursor"]).body
    assert [item["input"] for item in rest["items"]] == ["c"]
    assert len(api.get(f"{path(large)}/sub-tasks").body["items"]) == 2

    # AND end as their parent does
    api.post(f"{path(task)}/cancel")
    items = api.get(f"{path(task)}/sub-tasks").body["items"]
    assert [item["status"] for item in items] == ["CANCELLED"] * 3
