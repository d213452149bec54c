"""`tasks create` and `tasks fan-out`."""

import json

import pytest
from serverless_tasks.core.inputs import uploads
from tasks_cli import inputs

from tests.support.fake_api import fan_out, task

pytestmark = pytest.mark.usefixtures("signed_in", "slept")

REF = "cat/01KAFSV4XG4DXWKE1B8G6F0J2T"
TASK = "/tasks/cat/01KAFSV4XG4DXWKE1B8G6F0J2T"
UPLOAD = {
    "inputRef": "uploads/mbc/x.jsonl",
    "url": "https://bucket.example.com/put?X-Amz-Signature=secret",
    "headers": {"Content-Type": "application/x-ndjson", "If-None-Match": "*"},
}


def test_creates_a_task_with_a_key_of_its_own(api, tasks):
    api.says("POST", "/tasks", (201, task()))
    for _ in range(2):
        done = tasks("create", "cat", "--input", '{"key": "value1"}', "--name", "Feed")
        assert (done.exit_code, done.stdout) == (0, f"{REF}\n")
    first, second = api.asked
    assert first.json == {"taskType": "cat", "name": "Feed", "input": {"key": "value1"}}
    assert len(first.headers["Idempotency-Key"]) == 36
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


def test_json_is_what_the_api_answers(api, tasks):
    api.says("POST", "/tasks", (201, task()))
    assert json.loads(tasks("create", "cat", "--json").stdout) == task()
    assert api.asked[0].json == {"taskType": "cat", "input": None}


def test_the_input_comes_from_a_file_or_standard_input(api, tasks, home):
    api.says("POST", "/tasks", (201, task()))
    (home / "cat.json").write_text("\ufeff[1]", encoding="utf-8")
    tasks("create", "cat", "--input", "@cat.json")
    tasks("create", "cat", "--input", "-", stdin="\ufeff[2]".encode())
    assert [asked.json["input"] for asked in api.asked] == [[1], [2]]
    assert tasks("create", "cat", "--input", "-", stdin=b'"\xe9"').exit_code == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "--input: is not JSON"),
        ("NaN", "NaN is no JSON number"),
        ("[" * 100_000, "--input: is not JSON"),
        ("@missing.json", "--input @missing.json: No such file or directory"),
        ("@latin.json", "is not text in UTF-8"),
    ],
)
def test_a_bad_input_is_never_sent(api, tasks, home, given, said):
    (home / "latin.json").write_bytes(b'"\xe9"')
    done = tasks("create", "cat", "--input", given)
    assert done.exit_code == 2
    assert said in done.stderr
    assert api.asked == []


@pytest.mark.parametrize(("status", "code"), [("COMPLETED", 0), ("FAILED", 1), ("CANCELLED", 1)])
def test_wait_says_by_the_exit_code_how_it_went(api, tasks, status, code):
    ended = task(status, 3)
    api.says("POST", "/tasks", (201, task()))
    api.says("GET", TASK, task("QUEUED", 1), ended)
    done = tasks("create", "cat", "--wait", "--json")
    assert done.exit_code == code
    assert json.loads(done.stdout) == ended


def test_wait_prints_the_result(api, tasks):
    api.says("POST", "/tasks", (201, task()))
    api.says("GET", TASK, task("COMPLETED", 3, attributes={"result": {"fed": "value1"}}))
    assert '"fed": "value1"' in tasks("create", "cat", "--wait").stdout


def test_fan_out_puts_the_file_and_watches_the_task(api, tasks, home):
    content = b'{"key": "value1"}\n' * 4
    (home / "cats.jsonl").write_bytes(content)
    api.says("POST", "/uploads", (201, UPLOAD))
    api.says("PUT", "/put", (200, None))
    api.says("POST", "/tasks/step-function-task", (201, fan_out("CREATED")))
    api.says("GET", TASK, fan_out(succeeded=2), fan_out("COMPLETED", 4))
    done = tasks("fan-out", "cats.jsonl", "--type", "cat", "--name", "Cats")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"COMPLETED {REF} 4 succeeded of 4")
    upload, put, created, *_ = api.asked
    assert upload.json == {"format": "jsonl"}
    assert put.body == content
    assert put.headers["Content-Length"] == str(len(content))
    assert {name: put.headers[name] for name in UPLOAD["headers"]} == UPLOAD["headers"]
    assert "Authorization" not in put.headers
    assert created.json == {"taskType": "cat", "name": "Cats", "inputRef": UPLOAD["inputRef"]}


def test_fan_out_of_csv_without_watching(api, tasks, home):
    (home / "CATS.CSV").touch()
    api.says("POST", "/uploads", (201, UPLOAD))
    api.says("PUT", "/put", (200, None))
    api.says("POST", "/tasks/step-function-task", (201, fan_out("CREATED")))
    done = tasks("fan-out", "CATS.CSV", "--type", "cat", "--no-watch")
    assert (done.exit_code, done.stdout) == (0, f"{REF}\n")
    assert api.asked[0].json == {"format": "csv"}
    assert (api.asked[1].body, api.asked[1].headers["Content-Length"]) == (b"", "0")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cats.txt", "end with .jsonl"),
        ("dir.csv", "no file"),
        ("no.csv", "No such"),
        ("lines.csv", "begins with an object of JSON"),
    ],
)
def test_what_cannot_be_uploaded_is_refused_at_once(api, tasks, home, name, said):
    (home / "cats.txt").touch()
    (home / "dir.csv").mkdir()
    (home / "lines.csv").write_bytes(b'\xef\xbb\xbf\n {"key": "value1"}\n{"key": "value2"}\n')
    done = tasks("fan-out", name, "--type", "cat")
    assert done.exit_code == 2
    assert said in done.stderr
    assert api.asked == []


def test_a_file_that_is_too_large_is_refused_at_once(api, tasks, home):
    with (home / "cats.csv").open("wb") as file:
        file.truncate(uploads.UPLOAD_LIMIT + 1)  # a hole, which takes no room
    done = tasks("fan-out", "cats.csv", "--type", "cat")
    assert done.exit_code == 2
    assert "split it into several tasks" in done.stderr
    assert inputs.UPLOAD_LIMIT == uploads.UPLOAD_LIMIT


@pytest.mark.parametrize("status", [403, 412])
def test_an_upload_that_the_bucket_refuses_makes_no_task(api, tasks, home, status):
    (home / "cats.jsonl").write_bytes(b"1\n")
    api.says("POST", "/uploads", (201, UPLOAD))
    api.says("PUT", "/put", (status, None))
    done = tasks("fan-out", "cats.jsonl", "--type", "cat")
    assert done.exit_code == 2
    assert f"refuses the upload ({status})" in done.stderr
    assert len(api.asked) == 2
