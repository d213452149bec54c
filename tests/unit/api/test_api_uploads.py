"""Uploads through the API: a link for one object, and a task of what was put there."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from serverless_tasks.core.inputs import uploads

from tests.unit.api.client import BOB_OF_ACME, DAVE, RITA_READER

EDGE = 262_144
CODE = "01KF0FWXF8B5T0E6H3ZJ1F8DGA"
MISSING = "inputRef: there is no such upload; it must be one of your tenant's that is there already"


def path(task):
    return f"/tasks/{task['type']}/{task['code']}"


@pytest.fixture
def upload(api, cloud):
    """``upload(body)`` asks for an upload and puts it; returns its ``inputRef``."""

    def upload(body, written="jsonl", client=api):
        answer = client.post("/uploads", {"format": written}).body
        headers = {"ContentType": answer["headers"]["Content-Type"], "IfNoneMatch": answer["headers"]["If-None-Match"]}
        cloud.payloads._client.put_object(Bucket="payloads", Key=answer["inputRef"], Body=body, **headers)
        return answer["inputRef"]

    return upload


def create(client, **fields):
    return client.post("/tasks/step-function-task", {"taskType": "cat", **fields})


@pytest.mark.parametrize(
    ("text", "written", "content_type"),
    [
        (None, "jsonl", "application/x-ndjson"),
        ("", "jsonl", "application/x-ndjson"),
        ("{}", "jsonl", "application/x-ndjson"),
        ('{"format": "jsonl"}', "jsonl", "application/x-ndjson"),
        ('{"format": "csv"}', "csv", "text/csv"),
    ],
)
def test_an_upload_is_a_signed_link_for_one_object_once(api, text, written, content_type):
    answer = api.post_text("/uploads", text)

    assert answer.status == 201
    body = answer.body
    assert body["headers"] == {"Content-Type": content_type, "If-None-Match": "*"}
    assert uploads.check_input_ref("mbc", body["inputRef"]).endswith(f".{written}")
    url = urlsplit(body["url"])
    assert url.path == f"/{body['inputRef']}"
    # What is signed must be sent as it was signed: no second object under the key, and no other type of content.
    assert parse_qs(url.query)["X-Amz-SignedHeaders"] == ["content-type;host;if-none-match"]
    assert parse_qs(url.query)["X-Amz-Expires"] == ["900"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "xlsx"}', "format: Input should be 'jsonl' or 'csv'"),
        ('{"format": null}', "format: Input should be 'jsonl' or 'csv'"),
        ('{"name": "x"}', "name: is not a field of this request"),
        ("[]", "body: must be a JSON object"),
        ("{", "body: is not JSON"),
        (" ", "body: is not JSON"),
    ],
)
def test_a_malformed_request_is_400(api, text, message):
    answer = api.post_text("/uploads", text)

    assert answer.status == 400
    assert answer.body["message"].startswith(message)


def test_a_reader_may_not_upload(api):
    assert api.by(RITA_READER).post("/uploads", {}).status == 403
    assert api.by(None).post("/uploads", {}).status == 403


def test_a_task_of_json_lines_is_created_run_and_shown(api, upload, fan_out):
    # GIVEN an upload, with a mark, blank lines and no newline at its end
    elements = [{"key": "value1"}, [], "猫\u2028"]
    body = b"\xef\xbb\xbf" + "\r\n\n".join(json.dumps(element, ensure_ascii=False) for element in elements).encode()
    answer = create(api, inputRef=upload(body), name="Feed them")

    # THEN the task shows it as its input, at once and later
    assert answer.status == 201
    task = answer.body
    assert (task["kind"], task["name"], task["input"]) == ("SFN_TASK", "Feed them", elements)
    assert api.get(path(task)).body == task
    assert api.get(f"{path(task)}/sub-tasks").body == {"items": []}

    # AND its sub-tasks have its lines
    fan_out(task, lambda data: data)
    items = api.get(f"{path(task)}/sub-tasks").body["items"]
    assert [item["input"] for item in items] == [item["attributes"]["result"] for item in items] == elements


def test_a_task_of_csv_shows_objects(api, upload, fan_out):
    task = create(api, inputRef=upload(b'id,name\r\n1,"R ""ex"""\r\n2,\r\n', "csv")).body

    assert task["input"] == [{"id": "1", "name": 'R "ex"'}, {"id": "2", "name": ""}]
    fan_out(task, lambda data: data["id"])
    items = api.get(f"{path(task)}/sub-tasks").body["items"]
    assert [item["attributes"]["result"] for item in items] == ["1", "2"]
    assert "inputRef" not in api.get(path(task)).body


@pytest.mark.parametrize("size", [EDGE - 1, EDGE, EDGE + 1])
def test_an_upload_above_256_kb_is_linked_as_it_was_uploaded(api, upload, size):
    line = b'"' + b"x" * (size - 3) + b'"\n'
    reference = upload(line)

    for task in (create(api, inputRef=reference).body, api.get(path(create(api, inputRef=reference).body)).body):
        if size > EDGE:
            assert reference in task["inputUrl"]
            assert "input" not in task
        else:
            assert task["input"] == ["x" * (size - 3)]


def test_a_csv_whose_rows_are_larger_as_objects_is_linked(api, upload):
    # GIVEN 200 KB of rows, each of which repeats a name of 4,000 bytes as an object
    task = create(api, inputRef=upload(b"n" * 4000 + b"\n" + b"1\n" * 100_000, "csv"))

    assert task.status == 201
    assert "inputUrl" in task.body
    assert "inputUrl" in api.get(path(task.body)).body


def test_a_broken_upload_is_a_task_that_fails_and_can_be_looked_at(api, upload, fan_out):
    task = create(api, inputRef=upload(b"1\n{\n")).body
    assert "inputUrl" in task

    with pytest.raises(KeyError):  # the plan says: stop
        fan_out(task, lambda data: data)

    shown = api.get(path(task)).body
    assert shown["status"] == "FAILED"
    assert shown["attributes"]["error"]["message"].startswith("inputRef: line 2: is not JSON")
    assert "inputUrl" in shown
    assert api.get(f"{path(task)}/sub-tasks").body == {"items": []}


def test_missing_malformed_and_another_tenants_are_the_same_400(api, upload):
    foreign = upload(b"1\n", client=api.by(BOB_OF_ACME))
    assert foreign.startswith("uploads/acme/")

    for reference in (
        foreign,
        f"uploads/mbc/{CODE}.jsonl",
        f"uploads/acme/{CODE}.csv",
        "payloads/mbc/x",
        "",
        "x" * 9999,
    ):
        answer = create(api, inputRef=reference)
        assert (answer.status, answer.body["message"]) == (400, MISSING)
        assert answer.body["details"][0]["field"] == "inputRef"


def test_another_user_of_the_tenant_may_use_it(api, upload):
    assert create(api.by(DAVE), inputRef=upload(b"1\n")).status == 201


def test_one_over_the_limit_is_400_with_both_sizes(api, upload, monkeypatch):
    monkeypatch.setattr(uploads, "UPLOAD_LIMIT", 3)

    answer = create(api, inputRef=upload(b"1234"))

    assert answer.status == 400
    assert answer.body["message"] == "inputRef: the upload has 4 bytes, 3 are allowed; split it into several tasks"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "input: must be a list, one element for each sub-task, unless there is an inputRef"),
        ({"input": [], "inputRef": "x"}, "inputRef: give either input or inputRef, not both"),
        ({"input": None}, "input: Input should be a valid list"),
        ({"inputRef": None}, "inputRef: Input should be a valid string"),
        ({"input": None, "inputRef": "x"}, "input: Input should be a valid list"),
        ({"inputRef": ["x"]}, "inputRef: Input should be a valid string"),
    ],
)
def test_exactly_one_of_input_and_input_ref_is_given(api, fields, message):
    answer = create(api, **fields)

    assert (answer.status, answer.body["message"]) == (400, message)


def test_an_idempotency_key_stands_for_the_upload(api, upload):
    def send(**fields):
        body = json.dumps({"taskType": "cat", **fields})
        return api.post_text("/tasks/step-function-task", body, **{"idempotency-key": "k"})

    reference = upload(b"1\n")
    first, again = send(inputRef=reference), send(inputRef=reference)

    assert first.status == 201
    assert again.body["code"] == first.body["code"]
    assert send(inputRef=upload(b"1\n")).status == 409
    assert send(input=[1]).status == 409
