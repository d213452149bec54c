"""Whatever a client sends: a 4xx that names the field, never a 5xx (which the client takes for a failed test)."""

import base64
import gzip
import json

import pytest
from serverless_tasks.service.pages import encode_cursor

from tests.unit.api.client import ALICE, BOB_OF_ACME, encoded, event

CODE = "01K0000000000000000000000A"
CREATE = ("/tasks", "/tasks/step-function-task")


def refused(answer, field, status=400):
    assert answer.status == status, answer.text
    assert answer.body["message"].startswith(f"{field}: "), answer.text
    assert answer.body["details"][0]["field"] == field
    assert answer.body["details"][0]["message"]
    return answer.body["message"]


def body(**fields):
    return json.dumps({"taskType": "cat", "input": [], **fields})


@pytest.mark.parametrize("path", CREATE)
@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "null",
        "true",
        "1",
        '"text"',
        "[]",
        "[1]",
        body().join("[]"),
        "{",
        "}",
        "{}x",
        body() + body(),
        body() + "\x00",
        "\ufeff" + body(),
        "{'taskType': 'cat'}",
        '{"taskType":"cat","input":NaN}',
        '{"taskType":"cat","input":[Infinity]}',
        '{"taskType":"cat","input":[-Infinity]}',
        '{"taskType":"cat","input":[1e999]}',
        '{"taskType":"cat","input":[-1e400]}',
        '{"taskType":"cat","input":[' + "9" * 4301 + "]}",
        '{"taskType":"cat","input":[01]}',
        '{"taskType":"cat","input":[+1]}',
        '{"taskType":"cat","input":[1,]}',
        '{"taskType":"cat","input":"\x01"}',
        '{"taskType":"cat","input":"\\x41"}',
        '{"taskType":"cat","input":"\\ud8"}',
        '{"taskType":"cat","input":' + "[" * 101 + "]" * 101 + "}",
        '{"taskType":"cat","input":' + '{"a":' * 101 + "1" + "}" * 101 + "}",
        '{"taskType":"cat","input":' + "[" * 1_400_000 + "]" * 1_400_000 + "}",
        "[" * 2_900_000,
        '{"a":' * 500_000,
        "multipart garbage\r\n--boundary--",
        "taskType=cat&input=1",
    ],
    ids=lambda text: f"{text!r:.40}",
)
def test_a_body_that_is_no_json_object_is_refused(api, path, text):
    refused(api.post_text(path, text), "body")


@pytest.mark.parametrize("path", CREATE)
@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b'{"taskType":"\xff","input":1}', b"\x00", b"\xed\xa0\x80", b"", b"{"]
)
def test_bytes_that_are_no_json_are_refused(api, path, content):
    refused(api.post_bytes(path, content), "body")


@pytest.mark.parametrize("text", ["=", "a", "abc", "é", "%%%%", body(), "\ud800"])
def test_what_is_not_base64_is_refused(api, text):
    refused(api.send({**event("POST", "/tasks", ALICE), **encoded(text)}), "body")


def test_the_message_says_what_is_wrong_and_where(api):
    def message(text):
        return refused(api.post_text("/tasks", text), "body")

    assert "line 2 column 1 (char 18)" in message('{"taskType":"cat"\n"input":1}')
    assert "NaN is not a JSON value" in message('{"taskType":"cat","input":NaN}')
    assert "1e999 is too large" in message('{"taskType":"cat","input":1e999}')
    assert "more than 4300 digits" in message('{"taskType":"cat","input":' + "9" * 5000 + "}")
    assert "deeper than 101 levels" in message('{"taskType":"cat","input":' + "[" * 101 + "]" * 101 + "}")
    assert "must be a JSON object" in message("[]")
    assert "is missing" in message(None)


@pytest.mark.parametrize("path", CREATE)
@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("taskType", '{"input":[]}'),
        ("taskType", body(taskType=None)),
        ("taskType", body(taskType=1)),
        ("taskType", body(taskType=["cat"])),
        ("taskType", body(taskType={"cat": 1})),
        ("taskType", body(taskType="")),
        ("taskType", body(taskType="cat#1")),
        ("taskType", body(taskType="-cat")),
        ("taskType", body(taskType="cat\n")),
        ("taskType", body(taskType="猫")),
        ("taskType", body(taskType="x" * 65)),
        ("taskType", body(taskType="\ud800")),
        ("input", '{"taskType":"cat"}'),
        ("name", body(name="")),
        ("name", body(name="x" * 257)),
        ("name", body(name="😀" * 257)),
        ("name", body(name="a\nb")),
        ("name", body(name="a\x00b")),
        ("name", body(name="a\x7fb")),
        ("name", body(name="a\x9fb")),
        ("name", body(name="a\u2028b")),
        ("name", body(name="\ud800")),
        ("name", body(name="a\udfff")),
        ("name", body(name=1)),
        ("name", body(name=True)),
        ("name", body(name=["x"])),
        ("tenantCode", body(tenantCode=1)),
        ("tenantCode", body(tenantCode=["mbc"])),
        ("taskTpye", body(taskTpye="dog")),
        ("inputRef", body(inputRef="x")),
        ("task_type", body(task_type="cat")),
        ("pk", body(pk="TASK#acme")),
        ("__class__", body(__class__="x")),
        ("status", body(status="COMPLETED")),
    ],
    ids=lambda part: f"{part:.60}",
)
def test_a_field_that_is_wrong_is_named(api, path, field, text):
    refused(api.post_text(path, text), field)


@pytest.mark.parametrize("data", [None, True, 1, "[]", {}, {"0": 1}])
def test_a_step_functions_task_wants_a_list(api, data):
    refused(api.post("/tasks/step-function-task", {"taskType": "cat", "input": data}), "input")


def test_every_wrong_field_is_named_up_to_a_limit(api):
    # GIVEN two wrong fields
    answer = api.post("/tasks", {"taskType": "", "name": ""})
    # THEN both are named, and what is missing
    assert [problem["field"] for problem in answer.body["details"]] == ["taskType", "name", "input"]
    # AND a body full of unknown fields does not come back as a book
    answer = api.post("/tasks", {"taskType": "cat", "input": 1, **{f"{number:0200}": 1 for number in range(5000)}})
    assert answer.status == 400
    assert len(answer.body["details"]) == 20
    assert len(answer.text) < 10_000


@pytest.mark.parametrize("name", ["\ud800", "\x00", "", "a.b", "constructor", "猫"])
def test_an_unknown_field_may_have_any_name(api, name):
    assert api.post("/tasks", {"taskType": "cat", "input": 1, name: 1}).status == 400


def test_of_a_field_that_is_there_twice_the_last_one_counts(api):
    # As in every JSON parser that our clients may have; it is no way around a check.
    answer = api.post_text("/tasks", '{"taskType":"cat","taskType":"dog","input":1,"input":2}')
    assert (answer.body["type"], answer.body["input"]) == ("dog", 2)
    assert api.post_text("/tasks", body(tenantCode="mbc")[:-1] + ',"tenantCode":"acme"}').status == 403


def test_a_body_has_3_000_000_bytes_at_most(api):
    def text_of(size, filler="x"):
        start, stop = '{"taskType":"cat","input":"', '"}'
        return start + filler * ((size - len(start) - len(stop)) // len(filler.encode())) + stop

    # GIVEN a body of exactly the limit, in one and in more bytes per character, plain and in base64
    exact = text_of(3_000_000)
    assert len(exact) == 3_000_000
    assert api.post_text("/tasks", exact).status == 201
    assert api.post_bytes("/tasks", exact.encode()).status == 201
    assert api.post_text("/tasks", text_of(2_999_999, "猫")).status == 201
    # THEN one byte more is too much, whatever is in it
    for larger in (text_of(3_000_001), exact + " ", "{" * 3_000_001, text_of(3_000_030, "猫")):
        answer = api.post_text("/tasks", larger)
        assert (answer.status, "3000000 are allowed" in answer.body["message"]) == (413, True)
    assert api.post_bytes("/tasks", text_of(3_000_001).encode()).status == 413


# -------------------------------------------------------------------------------------- query and path


@pytest.mark.parametrize("path", ["/tasks", "/tasks/cat/{code}/sub-tasks"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "101"),
        ("limit", "1.5"),
        ("limit", "ten"),
        ("limit", ""),
        ("limit", "9" * 5000),
        ("limit", "NaN"),
        ("limit", "1,2"),
        ("limit", ["1", "2"]),
        ("status", "DONE"),
        ("status", "completed"),
        ("status", ""),
        ("status", ["FAILED", "CREATED"]),
        ("cursor", ""),
        ("cursor", "x"),
        ("cursor", "é"),
        ("cursor", "%"),
        ("cursor", "bnVsbA"),
        ("cursor", "e30"),
        ("cursor", "W10"),
        ("cursor", base64.urlsafe_b64encode(b"[" * 5000).decode()),
    ],
    ids=lambda part: f"{part!s:.20}",
)
def test_a_parameter_that_is_wrong_is_named(api, path, field, value):
    task = api.create("cat", 1)
    refused(api.get(path.format(code=task["code"]), **{field: value}), field)


@pytest.mark.parametrize(
    ("field", "value"),
    [("limit", "0"), ("limit", "1001"), ("limit", "ten"), ("limit", ["1", "2"]), ("cursor", ""), ("cursor", "W10")],
    ids=str,
)
def test_a_parameter_of_chunks_that_is_wrong_is_named(api, field, value):
    task = api.create("cat", 1)
    refused(api.get(f"/tasks/cat/{task['code']}/chunks", **{field: value}), field)


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "CHUNK"), ("kind", "task"), ("kind", ""), ("taskType", ""), ("taskType", "a#b"), ("taskType", "x" * 65)],
)
def test_a_filter_that_is_wrong_is_named(api, field, value):
    refused(api.get("/tasks", **{field: value}), field)


def test_a_cursor_is_good_for_its_query_and_its_tenant_only(api):
    # GIVEN a cursor of a query
    for number in range(3):
        api.create("cat", number)
    cursor = api.get("/tasks", limit=1).body["cursor"]

    # THEN it is worth nothing elsewhere
    assert api.get("/tasks", cursor=cursor).status == 200
    for query in ({"status": "CREATED"}, {"kind": "TASK"}, {"taskType": "cat"}):
        refused(api.get("/tasks", cursor=cursor, **query), "cursor")
    refused(api.by(BOB_OF_ACME).get("/tasks", cursor=cursor), "cursor")
    refused(api.get("/tasks", cursor=cursor[:-2]), "cursor")
    task = api.create_list("cat", [1])
    for rest in ("sub-tasks", "chunks"):
        refused(api.get(f"/tasks/cat/{task['code']}/{rest}", cursor=cursor), "cursor")


@pytest.mark.parametrize(
    "position",
    [
        [],
        ["TASK"],
        ["TASK", "cat", CODE, None, 1],
        ["CHUNK", "cat", CODE, None],
        [None, None, None, None],
        [[], {}, 1, 1.5],
        ["TASK", "cat#", CODE, None],
        ["TASK", "cat", "x", None],
        ["TASK", "cat", CODE, "2026-01-01T00:00:00.000Z"],
        ["TASK", "x" * 5000, CODE, None],
    ],
    ids=str,
)
def test_a_forged_position_is_refused(api, position):
    # GIVEN that the fingerprint in a cursor is no secret
    api.create("cat", 1)
    refused(api.get("/tasks", cursor=encode_cursor(["mbc", None, None, None], position)), "cursor")


def test_a_forged_position_outside_of_the_query_is_refused(api):
    query = {"kind": "TASK", "taskType": "cat"}
    for position in (["SFN_TASK", "cat", CODE, None], ["TASK", "dog", CODE, None]):
        cursor = encode_cursor(["mbc", "TASK", "cat", None], position)
        refused(api.get("/tasks", cursor=cursor, **query), "cursor")


@pytest.mark.parametrize(
    "position",
    [[], [0], [1, 0], [-1, 0], ["0", "0"], [0.5, 1], [0, 1, 2], [10**4000, 10**4001], [1000, 1000], [None, None]],
    ids=lambda position: f"{position!s:.20}",
)
def test_a_forged_position_among_sub_tasks_is_refused(api, position):
    task = api.create_list("cat", [1])
    cursor = encode_cursor(["mbc", task["id"], None], position)
    refused(api.get(f"/tasks/cat/{task['code']}/sub-tasks", cursor=cursor), "cursor")


def test_a_forged_position_leads_nowhere_but_to_the_own_tenant(api):
    # GIVEN a task of mbc, and a cursor that Bob of acme made up himself
    task = api.create("cat", 1)
    cursor = encode_cursor(["acme", None, None, None], ["TASK", "cat", task["code"] + "", None])
    assert api.by(BOB_OF_ACME).get("/tasks", cursor=cursor).body == {"items": []}


@pytest.mark.parametrize("rest", ["", "/sub-tasks", "/chunks"])
@pytest.mark.parametrize(
    ("task_type", "code"),
    [
        ("cat", CODE),
        ("cat", CODE.lower()),
        ("cat", "x"),
        ("cat", "0" * 27),
        ("cat", "I" * 26),
        ("cat", CODE + "%0A"),
        ("cat", CODE + "#0"),
        ("-cat", CODE),
        ("cat#", CODE),
        ("x" * 65, CODE),
        ("%00", CODE),
        ("猫", CODE),
        ("\ud800", CODE),
        ("cat%2F", CODE),
        ("..", CODE),
        (" ", " "),
        ("'", '"'),
    ],
)
def test_what_cannot_be_a_task_is_not_found(api, task_type, code, rest):
    assert api.get(f"/tasks/{task_type}/{code}{rest}").status == 404
    for action in ("cancel", "retry"):
        assert api.post(f"/tasks/{task_type}/{code}/{action}").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/tasks/"),
        ("GET", "/tasks/cat"),
        ("PUT", "/tasks"),
        ("DELETE", f"/tasks/cat/{CODE}"),
        ("POST", f"/tasks/cat/{CODE}"),
        ("POST", f"/tasks/cat/{CODE}/sub-tasks"),
        ("GET", f"/tasks/cat/{CODE}/cancel"),
        ("GET", "/uploads"),
        ("PATCH", "/../../etc/passwd"),
        ("GET", "/" + "x" * 8000),
    ],
)
def test_what_is_no_route_is_not_found(api, method, path):
    answer = api.send(event(method, path, ALICE))
    assert (answer.status, answer.body) == (404, {"statusCode": 404, "message": "Not found"})


@pytest.mark.parametrize(
    ("path", "query", "known"),
    [
        ("/tasks", {"stauts": "FAILED"}, "it takes kind, taskType, status, limit, cursor"),
        ("/tasks", {"type": "cat"}, "it takes kind, taskType, status, limit, cursor"),
        ("/tasks", {"task_type": "cat"}, "it takes kind, taskType, status, limit, cursor"),
        ("/tasks", {"Status": "FAILED"}, "it takes kind, taskType, status, limit, cursor"),
        (f"/tasks/cat/{CODE}/sub-tasks", {"kind": "TASK"}, "it takes status, limit, cursor"),
        (f"/tasks/cat/{CODE}/chunks", {"status": "FAILED"}, "it takes limit, cursor"),
        (f"/tasks/cat/{CODE}", {"x": ""}, "it takes none"),
        (f"/tasks/cat/{CODE}/results", {"limit": 1}, "it takes none"),
        ("/task-types", {"kind": "TASK"}, "it takes none"),
    ],
)
def test_a_query_parameter_that_is_not_known_is_refused_and_named(api, path, query, known):
    [name] = query
    message = refused(api.get(path, **query), name)
    assert message == f"{name}: is not a query parameter of this request; {known}"


def test_a_query_parameter_of_a_post_is_refused_too(api):
    refused(api.send(event("POST", "/tasks", ALICE, body(), query={"dryRun": "true"})), "dryRun")
    assert api.get("/tasks").body["items"] == []


def test_every_query_parameter_that_is_not_known_is_named(api):
    answer = api.get("/tasks", limit=1, one=1, two=2)
    assert [detail["field"] for detail in answer.body["details"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (body().encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (body().encode("utf-16-be"), "has NUL bytes, perhaps of UTF-16; save it as UTF-8"),
        (gzip.compress(body().encode(), mtime=0), "is compressed by gzip; send it uncompressed"),
        (body(name="Jürgen").encode("latin-1").replace(b"\\u00fc", b"\xfc"), "is not UTF-8 at byte 44"),
    ],
)
def test_a_body_that_is_no_text_is_refused_by_what_it_is(api, content, message):
    assert refused(api.post_bytes("/tasks", content), "body") == f"body: {message}"
