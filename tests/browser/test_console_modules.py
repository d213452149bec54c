"""The console's modules that need no page: schemas to forms, drafts to inputs, schedules, lanes, words.

They run where they are used, in a browser, each from the file that the stack serves.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from local.paths import ROOT
from tests.support.browser import Browser

STATIC = ROOT / "functions" / "console" / "static"
PLACE = {
    "type": "object",
    "required": ["lat"],
    "properties": {"lat": {"type": "number", "minimum": -90, "maximum": 90}},
}


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a word on stderr."""

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """Address of the console's files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(STATIC))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page(chromium: Browser, files: str) -> Browser:
    """One tab for all of them, since modules without a page leave nothing behind."""
    chromium.begin()
    chromium.get(f"{files}/icon.svg")
    return chromium


@pytest.fixture(scope="module")
def call(page: Browser, files: str) -> Callable[..., Any]:
    """Call a module's function with arguments and return its value, all of it JSON; ``undefined`` becomes None."""

    def run(module: str, function: str, *arguments: Any) -> Any:
        script = "const [url, name, given] = args; return (await import(url))[name](...given)"
        return page.module(script, f"{files}/{module}.js", function, arguments)

    return run


@pytest.fixture(scope="module")
def form(page: Browser, files: str) -> Callable[..., Any]:
    """What becomes of a schema's form: ``form(schema, typed)`` puts drafts in by name and reads the value."""
    script = """
        const [base, schema, typed] = args;
        const { fieldOf } = await import(`${base}/core/schema.js`);
        const { draftOf, valueOf } = await import(`${base}/core/draft.js`);
        const field = fieldOf(schema);
        const draft = draftOf(field);
        for (const [name, text] of Object.entries(typed)) draft.fields[name] = text;
        return { field, draft, ...valueOf(field, draft) };
    """
    return lambda schema, typed: page.module(script, files, schema, typed)


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": "number"}, "number"),
        ({"type": "integer"}, "integer"),
        ({"type": "boolean"}, "boolean"),
        ({"enum": ["a", 1, None]}, "choice"),
        ({"const": 1}, "constant"),
        (PLACE, "object"),
        ({"type": "array", "items": {"type": "string"}}, "list"),
        ({"type": "array"}, "json"),
        ({"type": "array", "items": {"type": "string"}, "prefixItems": [{"type": "integer"}]}, "json"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "json"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "json"),
        ({"type": ["string", "integer"]}, "json"),
        ({"$ref": "https://elsewhere.example/schema"}, "json"),
        ({}, "json"),
        (True, "json"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:40],
)
def test_a_schema_becomes_a_field(call, schema, kind):
    assert call("core/schema", "fieldOf", schema)["kind"] == kind


def test_references_are_followed_and_null_is_taken_out(call):
    schema = {
        "$defs": {"Place": PLACE},
        **of(place={"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}], "title": "Where"}),
    }
    [place] = call("core/schema", "fieldOf", schema)["fields"]
    assert (place["field"]["kind"], place["field"]["nullable"], place["field"]["label"]) == ("object", True, "Where")
    assert place["field"]["fields"][0]["field"]["rules"] == {"minimum": -90, "maximum": 90}


def test_what_contains_itself_ends_as_json(call):
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": of(next={"$ref": "#/$defs/Node"}, name={"type": "string"})}}
    node = call("core/schema", "fieldOf", schema)
    assert {inner["name"]: inner["field"]["kind"] for inner in node["fields"]} == {"next": "json", "name": "text"}


def test_a_form_gives_the_value_that_was_typed(form):
    schema = of(name={"type": "string"}, size={"type": "number"}, count={"type": "integer"}, unit={"enum": ["m", "h"]})
    found = form(schema, {"name": "Rex", "size": "1.5", "count": "-3", "unit": "1"})
    assert (found["value"], found["problems"]) == ({"name": "Rex", "size": 1.5, "count": -3, "unit": "h"}, {})


def test_a_time_is_typed_in_the_zone_of_the_reader_and_sent_in_utc(form):
    schema = of(at={"type": "string", "format": "date-time", "default": "2026-06-21T12:34:56Z"})
    found = form(schema, {})
    assert found["value"] == {"at": "2026-06-21T12:34:56Z"}
    assert "Z" not in found["draft"]["fields"]["at"]


def test_what_is_optional_may_be_left_out_and_keeps_its_default(form):
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "unit": {"type": "string", "default": "hours"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "place": PLACE,
            "sure": {"type": "boolean"},
        },
    }
    assert form(schema, {})["value"] == {"unit": "hours"}


def test_what_is_required_and_may_be_null_is_null(form):
    found = form(of(at={"anyOf": [{"type": "string"}, {"type": "null"}]}), {})
    assert (found["value"], found["problems"]) == ({"at": None}, {})


@pytest.mark.parametrize(
    ("schema", "typed", "problem"),
    [
        ({"type": "string"}, "", "is missing"),
        ({"type": "string", "maxLength": 2}, "🐈🐈🐈", "must be at most 2 characters"),
        ({"type": "number"}, "many", "is not a number"),
        ({"type": "number"}, " ", "is not a number"),
        ({"type": "integer"}, "1.5", "is not a whole number"),
        ({"type": "integer"}, "9007199254740993", "is too large for this form; write the input as JSON"),
        ({"type": "integer", "minimum": 1}, "0", "must be at least 1"),
        ({"type": "number", "exclusiveMaximum": 1}, "1", "must be less than 1"),
        ({"type": "string", "format": "date-time"}, "yesterday", "is not a time"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, [], "must be at least 1 entries"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(form, schema, typed, problem):
    assert form(of(it=schema), {"it": typed})["problems"] == {"it": problem}


def test_a_problem_has_the_path_of_its_field(form):
    schema = of(places={"type": "array", "items": PLACE})
    broken = [{"given": True, "fields": {"lat": "1"}}, {"given": True, "fields": {"lat": "91"}}]
    assert form(schema, {"places": broken})["problems"] == {"places[1].lat": "must be at most 90"}


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("input", ""),
        ("input.place.lat", "place.lat"),
        ("input[17].lat", "[17].lat"),
        ("input.17.lat", "[17].lat"),
        ("name", "#name"),
        ("inputRef", "#inputRef"),
    ],
)
def test_a_field_of_the_answer_is_found_in_the_form(call, field, path):
    assert call("core/draft", "pathOf", field) == path


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ({"lat": 1.5}, True),
        ({"lat": 1.5, "more": 1}, False),
        ({"lat": "1.5"}, False),
        ({"lat": 91}, True),
        ([1], False),
        (None, False),
    ],
    ids=json.dumps,
)
def test_a_form_is_shown_only_where_it_would_lose_nothing(page, files, value, fits):
    script = """
        const [base, schema, value] = args;
        const { fieldOf } = await import(`${base}/core/schema.js`);
        return (await import(`${base}/core/draft.js`)).fits(fieldOf(schema), value);
    """
    assert page.module(script, files, PLACE, value) is fits


def test_elements_are_a_json_list_or_json_lines(call):
    assert call("core/elements", "elementsOf", ' [1, {"a": 2}]\n') == {"input": '[1, {"a": 2}]', "count": 2}
    assert call("core/elements", "elementsOf", '{"a": 1}\r\n\n{"a": 2}\n') == {
        "input": '[{"a": 1},{"a": 2}]',
        "count": 2,
    }
    assert call("core/elements", "elementsOf", "[]") == {"input": "[]", "count": 0}
    assert call("core/elements", "elementsOf", " \n")["problem"] == "There is no element yet."
    assert call("core/elements", "elementsOf", '{"a": 1}\n{"a": ')["problem"].startswith("Line 2 is not JSON")


def test_numbers_keep_all_of_their_digits(call):
    source = call("core/elements", "inputOf", "12345678901234567890.10")
    body = call("core/elements", "bodyOf", {"taskType": "cat", "name": "Füttern"}, source)
    assert body == '{"taskType":"cat","name":"Füttern","input":12345678901234567890.10}'


def test_a_page_looks_less_often_while_nothing_changes(call):
    pace, delays = {"quiet": 0, "failures": 0}, []
    for _ in range(9):
        pace = call("core/schedule", "next", pace, "unchanged")
        delays.append(call("core/schedule", "delay", pace))
    assert delays == [1000, 1000, 2000, 3000, 5000, 8000, 15000, 15000, 15000]
    assert call("core/schedule", "delay", call("core/schedule", "next", pace, "changed")) == 1000
    assert call("core/schedule", "delay", {"quiet": 0, "failures": 0}, {"fastest": 5000}) == 5000


def test_it_backs_off_from_failures_and_waits_as_long_as_it_is_told(call):
    pace, delays = {"quiet": 0, "failures": 0}, []
    for _ in range(7):
        pace = call("core/schedule", "next", pace, "failed")
        delays.append(call("core/schedule", "delay", pace))
    assert delays == [2000, 4000, 8000, 16000, 32000, 60000, 60000]
    assert call("core/schedule", "delay", pace, {"random": 1}) == 90000
    assert call("core/schedule", "delay", {"quiet": 0, "failures": 1}, {"retryAfter": 30}) == 30000
    assert [
        status for status in (0, 400, 401, 403, 404, 409, 429, 500, 503) if call("core/schedule", "passes", status)
    ] == [0, 429, 500, 503]


POLL = """
    const [base, answers, hidden] = args;
    const { Poller } = await import(`${base}/poll.js`);
    const seen = { asked: [], delays: [], shown: [] };
    let due, listener;
    const world = {
      later: (ms, action) => { seen.delays.push(ms); due = action; return 1; },
      never: () => { due = undefined; },
      hidden: () => hidden.value,
      random: () => 0,
      listen: (action) => { listener = action; return () => { seen.unlistened = true; }; },
    };
    const load = async (etag) => {
      seen.asked.push(etag ?? null);
      const answer = answers.shift();
      if (answer.hide) hidden.value = true;
      if (answer.status) throw Object.assign(new Error("no"), answer);
      return answer;
    };
    const over = (data) => data === "over";
    const show = (state) => seen.shown.push({ ...state, error: state.error?.message });
    const poller = new Poller({ load, world, over, show });
    const turn = async () => { const action = due; due = undefined; await action?.(); };
    for (let i = 0; i < 10 && due; i++) await turn();
    if (hidden.value) {
      seen.asleep = seen.asked.length;
      hidden.value = false;
      listener();
      await new Promise((resolve) => setTimeout(resolve));
      for (let i = 0; i < 10 && due; i++) await turn();
    }
    poller.stop();
    return seen;
"""


def test_a_poll_names_what_it_knows_and_ends_with_the_task(page, files):
    answers = [
        {"data": "one", "etag": "a"},
        {"unchanged": True, "etag": "a"},
        {"status": 503},
        {"data": "over", "etag": "b"},
    ]
    seen = page.module(POLL, files, answers, {"value": False})
    assert seen["asked"] == [None, "a", "a", "a"]
    assert seen["delays"] == [0, 1000, 1000, 2000]
    assert [shown.get("data") for shown in seen["shown"]] == ["one", "one", "one", "over"]
    assert [shown.get("retryIn") for shown in seen["shown"]] == [None, None, 2000, None]
    assert seen["unlistened"] is True


def test_a_poll_rests_in_a_hidden_tab_and_asks_at_once_when_it_is_seen(page, files):
    answers = [{"data": "one", "hide": True}, {"data": "over"}]
    seen = page.module(POLL, files, answers, {"value": False})
    assert (seen["asleep"], len(seen["asked"])) == (1, 2)
    assert seen["delays"] == [0]


def test_a_poll_does_not_repeat_what_is_wrong_with_the_request(page, files):
    seen = page.module(POLL, files, [{"status": 403}], {"value": False})
    assert (seen["asked"], seen["delays"], seen["shown"]) == ([None], [0], [{"data": None, "error": "no"}])


def chunk(number: int, start: int, end: int | None, **more: Any) -> dict[str, Any]:
    times = {"startedAt": at(start), **({} if end is None else {"finishedAt": at(end)})}
    status = "PROCESSING" if end is None else "COMPLETED"
    return {
        "number": number,
        "first": number,
        "count": 1,
        "status": status,
        "succeeded": 1,
        "failed": 0,
        **times,
        **more,
    }


def at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02}.000Z"


def test_chunks_that_did_not_overlap_share_a_lane(call):
    chunks = [chunk(0, 0, 10), chunk(1, 0, 4), chunk(2, 4, 8), chunk(3, 5, None), {"number": 4, "status": "CREATED"}]
    plan = call("core/lanes", "packed", chunks, 1767225612000)
    assert [(bar["chunk"]["number"], bar["lane"], bar["tone"]) for bar in plan["bars"]] == [
        (0, 0, "good"),
        (1, 1, "good"),
        (2, 1, "good"),
        (3, 2, "running"),
    ]
    assert (plan["lanes"], plan["end"] - plan["start"]) == (3, 12000)
    assert call("core/lanes", "packed", [], 5) == {"bars": [], "lanes": 0, "start": 5, "end": 5}


@pytest.mark.parametrize(
    ("more", "tone"),
    [
        ({"failed": 1}, "bad"),
        ({"status": "FAILED"}, "bad"),
        ({"status": "ERRORED"}, "muted"),
        ({"status": "CANCELLED"}, "muted"),
    ],
)
def test_one_failure_marks_its_chunk(call, more, tone):
    assert call("core/lanes", "toneOf", chunk(0, 0, 1, **more)) == tone


@pytest.mark.parametrize(
    ("span", "most", "marks"),
    [
        (0, 5, [0]),
        (1000, 5, [0, 200, 400, 600, 800, 1000]),
        (90_000, 4, [0, 30_000, 60_000, 90_000]),
        (172_800_000, 2, [0, 86_400_000, 172_800_000]),
    ],
)
def test_marks_of_the_axis_are_round(call, span, most, marks):
    assert call("core/lanes", "ticks", span, most) == marks


def fan_out(status: str, succeeded: int, failed: int) -> dict[str, Any]:
    counts = {"subTaskCount": 10, "subTaskSucceedCount": succeeded, "subTaskFailedCount": failed}
    return {"kind": "SFN_TASK", "status": status, "attributes": counts}


def test_what_runs_is_told_from_what_waits_by_the_chunks(call):
    chunks = [
        {"status": "COMPLETED", "count": 4, "succeeded": 3, "failed": 1},
        {"status": "PROCESSING", "count": 4, "succeeded": 1, "failed": 0},
        {"status": "CREATED", "count": 2, "succeeded": 0, "failed": 0},
    ]
    of_chunks = {"succeeded": 4, "failed": 1, "running": 3, "waiting": 2, "total": 10}
    assert call("core/status", "countsOf", fan_out("PROCESSING", 3, 1), chunks) == of_chunks
    without = {"succeeded": 3, "failed": 1, "running": 0, "waiting": 6, "total": 10}
    assert call("core/status", "countsOf", fan_out("PROCESSING", 3, 1)) == without
    ended = {"succeeded": 9, "failed": 1, "running": 0, "waiting": 0, "total": 10}
    assert call("core/status", "countsOf", fan_out("FAILED", 9, 1), chunks) == ended


@pytest.mark.parametrize(
    ("task", "allowed"),
    [
        ({"kind": "TASK", "status": "PROCESSING", "attributes": {}}, {"cancel"}),
        ({"kind": "TASK", "status": "COMPLETED", "attributes": {"result": None}}, {"results"}),
        ({"kind": "TASK", "status": "COMPLETED", "attributes": {}}, set()),
        ({"kind": "TASK", "status": "FAILED", "attributes": {}}, {"retry"}),
        (fan_out("FINISHED", 10, 0), {"cancel"}),
        (fan_out("CANCELLED", 1, 0), {"retry", "results"}),
        (fan_out("COMPLETED", 10, 0), {"results"}),
    ],
)
def test_only_what_the_status_allows_is_offered(call, task, allowed):
    assert {name for name, shown in call("core/status", "actionsOf", task).items() if shown} == allowed


@pytest.mark.parametrize(
    ("function", "given", "words"),
    [
        ("usd", 0, "$0"),
        ("usd", 0.0000088, "$0.0000088"),
        ("usd", 0.00041234, "$0.00041"),
        ("usd", 0.1, "$0.10"),
        ("usd", 12.345, "$12.35"),
        ("percent", 0.9999, "99 %"),
        ("percent", 0.29, "29 %"),
        ("percent", 1, "100 %"),
        ("duration", 340, "340 ms"),
        ("duration", 9999, "9.9 s"),
        ("duration", 61_000, "1 min 1 s"),
        ("duration", 7_200_000, "2 h"),
        ("duration", 90_000_000, "1 d 1 h"),
        ("age", 4000, "now"),
        ("age", 59_000, "59 s"),
        ("age", 3_600_000, "1 h"),
        ("count", 1000000, "1,000,000"),
        ("bytes", 1536, "1.5 KB"),
    ],
)
def test_numbers_are_written_for_people(call, function, given, words):
    assert call("core/format", function, given) == words


CODE = "01KAFSV4XG4DXWKE1B8G6F0J2T"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (CODE.lower(), {"code": CODE, "words": ""}),
        (f"cat/{CODE}", {"taskType": "cat", "code": CODE, "words": ""}),
        (f"TASK#mbc#cat#{CODE}", {"taskType": "cat", "code": CODE, "words": ""}),
        (f"https://x.example/console#/tasks/my-type/{CODE}", {"taskType": "my-type", "code": CODE, "words": ""}),
        (" Feed Me ", {"words": "feed me"}),
    ],
)
def test_a_code_is_found_however_it_comes(call, text, means):
    assert call("core/search", "understood", text) == means


@pytest.mark.parametrize(
    ("hash_", "route"),
    [
        ("", {"page": "list"}),
        ("#/?status=FAILED", {"page": "list", "status": "FAILED"}),
        ("#/new?from=cat%2F1", {"page": "new", "from": "cat/1"}),
        ("#/tasks/cat/1", {"page": "task", "taskType": "cat", "code": "1"}),
        ("#/tasks/%E0%A4%A/1", {"page": "task", "taskType": "%E0%A4%A", "code": "1"}),
        ("#/elsewhere", {"page": "unknown"}),
    ],
)
def test_an_address_leads_to_a_page(call, hash_, route):
    assert call("core/route", "parsed", hash_) == route


def rows(*names: str, status: str = "QUEUED") -> list[dict[str, Any]]:
    return [{"id": name, "name": name, "type": "cat", "code": name, "status": status} for name in names]


def test_rows_that_newer_ones_push_out_stay_in_the_list(call):
    older = call("core/rows", "pushedOut", rows("d", "c", "b"), rows("f", "e", "d"), rows("a"))
    assert [row["id"] for row in older] == ["c", "b", "a"]
    none = call("core/rows", "pushedOut", rows("c", "b"), rows("f", "e"), rows("b", "a"))
    assert [row["id"] for row in none] == ["b", "a"]


def test_a_token_says_who_it_is_of(call):
    claims = {
        "sub": "1",
        "email": "jürgen@example.com",
        "custom:tenant": "mbc",
        "cognito:groups": ["task-admin"],
        "exp": 10,
    }
    token = f"e30.{urlsafe_b64encode(json.dumps(claims, ensure_ascii=False).encode()).decode().rstrip('=')}.x"
    user = {"name": "jürgen@example.com", "sub": "1", "tenant": "mbc", "groups": ["task-admin"]}
    assert call("core/token", "userOf", token) == user
    assert [call("core/token", "over", token, now) for now in (9999, 10000)] == [False, True]
