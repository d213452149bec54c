"""`tasks results`: joined in order, all of them or an error, and a file that is whole or not there."""

import io
import json

import pytest
import requests

from tests.support.fake_api import fan_out, task

pytestmark = pytest.mark.usefixtures("signed_in")

REF = "cat/01KAFSV4XG4DXWKE1B8G6F0J2T"
TASK = f"/tasks/{REF}"


def links(*counts, sign="1"):
    first, items = 0, []
    for number, count in enumerate(counts):
        items.append({"url": f"https://bucket.example.com/{number}?Signature={sign}", "first": first, "count": count})
        first += count
    return {"items": items, "expiresAt": "2026-01-01T00:15:00.000Z"}


class Breaking(io.BytesIO):
    """A body that ends too soon."""

    def read(self, *size):
        return super().read(3) or self._break()

    def _break(self):
        raise requests.exceptions.ChunkedEncodingError("https://bucket.example.com/0?Signature=secret")


@pytest.fixture
def ended(api):
    """A task of four that has ended, in two objects, the first of which lacks its last line end."""
    api.says("GET", TASK, fan_out("COMPLETED", 4))
    api.says("GET", f"{TASK}/results", links(3, 1))
    api.says("GET", "/0", lambda: (200, b"0\n1\n2"))
    api.says("GET", "/1", lambda: (200, b"3\n"))
    return api


def test_they_are_joined_in_order(tasks, ended):
    done = tasks("results", REF)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "0\n1\n2\n3\n", "")
    assert ["Authorization" in asked.headers for asked in ended.asked] == [True, True, False, False]


def test_one_link_is_answered_with_a_redirect_which_is_never_followed_with_the_token(tasks, ended):
    one = links(3)
    ended.says("GET", f"{TASK}/results", (303, one, {"Location": one["items"][0]["url"]}))
    done = tasks("results", REF)
    assert done.stdout == "0\n1\n2\n"
    assert "1 of 4 sub-tasks have no line" in done.stderr
    assert "Authorization" not in ended.asked[-1].headers


def test_into_a_file(tasks, ended, home):
    done = tasks("results", REF, "-o", "r.jsonl")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "4 lines in r.jsonl\n")
    assert (home / "r.jsonl").read_bytes() == b"0\n1\n2\n3\n"


def test_a_file_is_replaced_whole_or_not_at_all(tasks, ended, home):
    (home / "r.jsonl").write_text("before")
    ended.says("GET", "/1", (404, None))
    done = tasks("results", REF, "-o", "r.jsonl")
    assert done.exit_code == 4
    assert (home / "r.jsonl").read_text() == "before"
    assert [path.name for path in home.iterdir() if "r.jsonl" in path.name] == ["r.jsonl"]


def test_what_is_no_file_is_written_to_and_not_replaced(tasks, ended, home):
    (home / "null").symlink_to("/dev/null")
    assert tasks("results", REF, "-o", "null").exit_code == 0
    assert (home / "null").is_symlink()


def test_where_nothing_can_be_written(tasks, ended):
    done = tasks("results", REF, "-o", "missing/r.jsonl")
    assert done.exit_code == 2
    assert "--output missing/r.jsonl: No such file" in done.stderr


def test_a_download_goes_on_where_it_broke(tasks, ended):
    ended.says("GET", "/0", (200, Breaking(b"0\n1\n")), (206, b"2"))
    assert tasks("results", REF).stdout == "0\n1\n2\n3\n"
    assert [asked.headers.get("Range") for asked in ended.asked if asked.path == "/0"] == [None, "bytes=4-"]


def test_a_download_that_keeps_breaking_is_given_up(tasks, ended):
    ended.says("GET", "/0", lambda: (200, Breaking(b"")))
    done = tasks("results", REF)
    assert done.exit_code == 4
    assert "breaks off" in done.stderr
    assert "secret" not in done.stderr


def test_a_link_whose_time_is_over_is_asked_for_again(tasks, ended):
    ended.says("GET", f"{TASK}/results", links(3, 1), links(3, 1, sign="2"))
    ended.says("GET", "/1", (403, None), lambda: (200, b"3\n"))
    assert tasks("results", REF).stdout == "0\n1\n2\n3\n"
    assert [asked.query for asked in ended.asked if asked.path == "/1"] == [{"Signature": "1"}, {"Signature": "2"}]


def test_results_that_changed_meanwhile_are_not_mixed(tasks, ended):
    ended.says("GET", f"{TASK}/results", links(3, 1), links(4))
    ended.says("GET", "/1", (403, None))
    done = tasks("results", REF)
    assert done.exit_code == 4
    assert "download them again" in done.stderr


def test_links_that_are_never_taken_are_given_up(tasks, ended):
    ended.says("GET", "/0", (403, None))
    done = tasks("results", REF)
    assert done.exit_code == 4
    assert "refuses a link that is new" in done.stderr


def test_programs_get_the_links(tasks, ended):
    assert json.loads(tasks("results", REF, "--json").stdout) == links(3, 1)
    assert tasks("results", REF, "--json", "-o", "x").exit_code == 2


def test_an_open_task_has_none(tasks, ended):
    ended.says("GET", f"{TASK}/results", (409, {"statusCode": 409, "message": "the task is PROCESSING"}))
    done = tasks("results", REF)
    assert (done.exit_code, done.stderr) == (2, "error: the task is PROCESSING (409)\n")


def test_a_single_task_has_its_own(api, tasks):
    api.says("GET", TASK, task("COMPLETED", attributes={"result": {"fed": "ü"}}))
    assert tasks("results", REF).stdout == '{"fed": "ü"}\n'


def test_a_large_one_of_a_single_task_is_behind_a_link(api, tasks):
    api.says("GET", TASK, task("COMPLETED", attributes={"resultUrl": "https://bucket.example.com/large?s=1"}))
    api.says("GET", "/large", lambda: (200, b'{"fed":"x"}'))
    assert tasks("results", REF).stdout == '{"fed":"x"}\n'


def test_a_single_task_that_failed_has_none(api, tasks):
    api.says("GET", TASK, task("FAILED"))
    done = tasks("results", REF)
    assert (done.exit_code, done.stderr) == (2, f"error: {REF} is FAILED: it has no result\n")
