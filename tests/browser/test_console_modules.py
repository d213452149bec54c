"""The console's modules that need no page: lanes, counts, words, addresses.

They run where they are used, in a browser, each from the file that the stack serves.
"""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest


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
    ("status", "lease", "updated", "now", "silent"),
    [
        ("PROCESSING", 10, 0, 12, 12_000),
        ("PROCESSING", 10, 11, 12, 2_000),  # the sweeper has looked
        ("PROCESSING", 10, 0, 10, None),
        ("COMPLETED", 10, 0, 12, None),
        ("PROCESSING", None, 0, 12, None),  # a fan-out
    ],
)
def test_a_task_is_silent_when_its_lease_is_over(call, status, lease, updated, now, silent):
    task = {"status": status, "updatedAt": at(updated), **({} if lease is None else {"leaseUntil": at(lease)})}
    assert call("core/status", "silentFor", task, 1767225600000 + now * 1000) == silent


@pytest.mark.parametrize(
    ("status", "minutes", "waits"), [("QUEUED", 3, 180_000), ("QUEUED", 2, None), ("ERRORED", 9, None)]
)
def test_a_task_that_waits_long_for_a_worker_says_so(call, status, minutes, waits):
    task = {"history": [{"status": status, "at": at(0)}]}
    assert call("core/status", "waitsFor", task, 1767225600000 + minutes * 60_000) == waits


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
        ("percent", 0.9999, "99%"),
        ("percent", 0.29, "29%"),
        ("percent", 1, "100%"),
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
def test_numbers_are_written_as_a_reader_says_them(call, function, given, words):
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


REFUSED = """
    const [base, body, headers] = args;
    const { start } = await import(`${base}/session.js`);
    const { request } = await import(`${base}/api.js`);
    await start({});
    const before = window.fetch;
    window.fetch = async () => new Response(JSON.stringify(body), { status: 429, headers });
    try {
      await request("tasks", { method: "POST", body: "{}" });
    } catch (error) {
      return [error.message, error.retryAfter];
    } finally {
      window.fetch = before;
    }
"""


@pytest.mark.parametrize(
    ("body", "headers", "told"),
    [
        ({"message": "Too Many Requests"}, {}, ["Too many requests at once.", 0]),
        ({"statusCode": 429, "message": "try again in 24 s"}, {"Retry-After": "24"}, ["try again in 24 s", 24]),
    ],
    ids=["throttled", "bounded"],
)
def test_a_bound_that_is_reached_is_told_in_its_own_words(page, files, body, headers, told):
    assert page.module(REFUSED, files, body, headers) == told
