"""Conditional GETs: every answer has a tag, which changes with what the answer says and with nothing else."""

import sys
from datetime import timedelta

import botocore.compat
import pytest

from tests.unit.api.client import BOB_OF_ACME, CAROL_ADMIN

LARGE = ["x" * 300_000]
"""An input that comes as a link."""
YEAR = timedelta(days=365)


@pytest.fixture
def later(app, monkeypatch):
    """Call it to let a year pass, for us and for botocore, which signs links."""

    def later():
        ours, botocores = app.service._clock, botocore.compat.get_current_datetime
        monkeypatch.setattr(app.service, "_clock", lambda: ours() + YEAR)
        for name in {"botocore.auth", "botocore.crt.auth"} & sys.modules.keys():  # the second one where awscrt is there
            clock = "get_current_datetime"
            monkeypatch.setattr(sys.modules[name], clock, lambda *args, **more: botocores(*args, **more) + YEAR)

    return later


@pytest.fixture
def task(api, fan_out):
    """A fan-out that has ended, with an input and a result that are links, and results in two objects."""
    made = api.create_list("cat", [LARGE, "b"])
    fan_out(made, lambda _: "r" * 5000, chunk_size=1)
    return made


def paths(document, task):
    """Every address that the description has a GET for, of this task."""
    routes = (path for path, operations in document["paths"].items() if "get" in operations)
    return [path.format(taskType=task["type"], code=task["code"]) for path in routes]


def test_what_is_known_is_not_sent_again(api, document, task):
    found = paths(document, task)
    assert len(found) >= 4
    for path in found:
        answer = api.get(path)
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        tag = answer.headers["ETag"]
        # WHEN it is asked for with its tag, alone, as a strong one, among others, or with any
        for known in (tag, tag.removeprefix("W/"), f'"a,b", {tag} , W/"c"', "*", " * "):
            again = api.get_with(path, {"if-none-match": known})
            assert (again.status, again.text) == (304, ""), (path, known)
            assert (again.headers["ETag"], again.headers["Cache-Control"]) == (tag, "no-store")
        # AND with what is none, or another one
        for unknown in ('"other"', 'W/""', tag.strip('W/"'), f'"*", {tag[:-1]}x"', "**"):
            assert api.get_with(path, {"if-none-match": unknown}).status == 200, (path, unknown)


def test_links_and_the_clock_change_no_tag(api, document, task, later):
    before = {path: api.get(path) for path in paths(document, task)}
    linked = [path for path, answer in before.items() if "X-Amz-Signature" in answer.text]
    assert len(linked) >= 3  # the task, its sub-tasks, its results
    # WHEN links are signed at another time
    later()
    for path, answer in before.items():
        again = api.get(path)
        # THEN they are others, and the tag is not
        assert (again.text != answer.text) == (path in linked), path
        assert again.headers["ETag"] == answer.headers["ETag"]


def test_what_changes_has_another_tag(api, document):
    task = api.create_list("cat", [1])
    before = {path: api.get(path) for path in paths(document, task)}
    api.by(CAROL_ADMIN).post(f"/tasks/cat/{task['code']}/cancel")
    asked = {path: api.get_with(path, {"if-none-match": str(old.headers.get("ETag"))}) for path, old in before.items()}
    changed = [path for path, answer in asked.items() if answer.status == 200]
    assert {"/tasks", f"/tasks/cat/{task['code']}"} < set(changed)
    tagged = {path: old for path, old in before.items() if "ETag" in old.headers}
    assert changed == [path for path, old in tagged.items() if api.get(path).body != old.body]


def test_pages_differ(api):
    for number in range(3):
        api.create("cat", number)
    assert len({api.get("/tasks", limit=limit).headers["ETag"] for limit in (1, 2, 3)}) == 3


def test_another_tenants_tag_says_nothing(api, task):
    tag = api.get(f"/tasks/cat/{task['code']}").headers["ETag"]
    for known in (tag, "*"):
        assert api.by(BOB_OF_ACME).get_with(f"/tasks/cat/{task['code']}", {"if-none-match": known}).status == 404


def test_only_a_good_answer_to_a_get_has_a_tag(api, task):
    created = api.post("/tasks", {"taskType": "cat", "input": 1})
    cancelled = api.post(f"/tasks/cat/{created.body['code']}/cancel")
    missing = api.get_with("/tasks/cat/01KAFSV4XG4DXWKE1B8G6F0J2T", {"if-none-match": "*"})
    refused = api.get_with("/tasks", {"if-none-match": "*"}, limit=0)
    assert (created.status, cancelled.status, missing.status, refused.status) == (201, 200, 404, 400)
    assert not [answer for answer in (created, cancelled, missing, refused) if "ETag" in answer.headers]


def test_what_users_wrote_is_part_of_the_tag(api, end):
    # GIVEN results that look like what is cut off
    task = api.create("cat", "https://example.com/?X-Amz-Signature=1")
    other = api.create("cat", {"expiresAt": "now"})
    tags = {api.get(f"/tasks/cat/{made['code']}").headers["ETag"] for made in (task, other)}
    end(task, "https://example.com/?X-Amz-Signature=1")
    # THEN the answer has another tag all the same, since a status changed with them
    assert api.get(f"/tasks/cat/{task['code']}").headers["ETag"] not in tags
