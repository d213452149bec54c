"""What a page that follows a task relies on: answers it has already, chunks, and links instead of redirects."""

from tests.support.driver import path_of

ORIGIN = "http://localhost:3000"
"""One of CorsOrigins in the local environment."""


def test_what_has_not_changed_is_not_sent_again(tasks):
    """GIVEN a task that has ended; WHEN it is asked for with the tag it had; THEN 304, until it has changed."""
    task = tasks.run_fan_out("once", [{"do": "fail", "runs": 1}, {"do": "return", "bytes": 300_000}])
    path = path_of(task)
    for rest in ("", "/sub-tasks", "/chunks", "/results"):
        answer = tasks.call("GET", path + rest, headers={"Origin": ORIGIN})
        assert answer.status == 200
        known = {"If-None-Match": answer.headers["etag"], "Origin": ORIGIN}
        again = tasks.call("GET", path + rest, headers=known)
        assert (again.status, again.body, again.headers["etag"]) == (304, "", answer.headers["etag"])
    before = tasks.call("GET", path).headers["etag"]
    tasks.retry(task)
    tasks.wait(task)
    assert tasks.call("GET", path, headers={"If-None-Match": before}).status == 200


def test_a_page_of_another_origin_may_send_the_tag_and_read_it(tasks):
    """GIVEN a page of an origin that is let in; WHEN it asks whether it may; THEN it may name the tag, and read it."""
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization,if-none-match"}
    allowed = tasks.call("OPTIONS", "/tasks", user=None, headers={"Origin": ORIGIN, **asked})
    assert "if-none-match" in allowed.headers["access-control-allow-headers"].lower()
    answer = tasks.call("GET", "/tasks", headers={"Origin": ORIGIN})
    assert answer.headers["access-control-expose-headers"].lower() == "etag,retry-after"


def test_chunks_tell_how_it_went(tasks):
    """GIVEN a fan-out with a failure; WHEN its chunks are listed; THEN each says what became of it, and when."""
    task = tasks.run_fan_out("once", [{"do": "echo"}, {"do": "fail"}, {"do": "echo"}])
    found = list(tasks.pages(f"{path_of(task)}/chunks", limit=2))
    assert [(chunk["first"], chunk["count"], chunk["status"]) for chunk in found] == [
        (0, 1, "COMPLETED"),
        (1, 1, "FAILED"),
        (2, 1, "COMPLETED"),
    ]
    assert all(task["createdAt"] <= chunk["startedAt"] <= chunk["finishedAt"] for chunk in found)
