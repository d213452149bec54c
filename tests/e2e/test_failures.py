"""Errors, retries with backoff, permanent errors, timeouts and checkpoints, as a client of the API sees them."""

import re

from tests.support.driver import counters_of, statuses_of


def no_queued(task):
    """The history without QUEUED, which a fast worker leaves out."""
    return [status for status in statuses_of(task) if status != "QUEUED"]


def test_an_attempt_that_fails_is_tried_again_after_a_backoff(tasks):
    """GIVEN a handler that fails once; WHEN it has; THEN the task waits as ERRORED until its time, then completes."""
    task = tasks.create("probe", {"do": "fail", "attempts": 1})
    waiting = tasks.wait(task, "ERRORED")
    assert waiting["attributes"]["error"] == {"type": "ValueError", "message": "told to fail"}
    assert waiting["nextAttemptAt"] >= waiting["updatedAt"]
    done = tasks.wait(task)
    assert (done["status"], done["attempt"]) == ("COMPLETED", 2)
    assert no_queued(done) == ["CREATED", "PROCESSING", "ERRORED", "PROCESSING", "COMPLETED"]
    assert [entry["attempt"] for entry in done["history"] if entry["status"] == "PROCESSING"] == [1, 2]
    [errored] = [entry for entry in done["history"] if entry["status"] == "ERRORED"]
    assert errored["reason"] == "ValueError: told to fail"
    second = [entry for entry in done["history"] if entry["status"] == "PROCESSING"][1]
    assert second["at"] >= waiting["nextAttemptAt"]
    assert "error" not in done["attributes"]
    assert "nextAttemptAt" not in done


def test_after_the_last_attempt_the_task_has_failed(tasks):
    """GIVEN a handler that always fails; WHEN its three attempts are over; THEN FAILED with the last error."""
    task = tasks.run("probe", {"do": "fail", "message": "never"})
    assert (task["status"], task["attempt"]) == ("FAILED", 3)
    assert no_queued(task) == ["CREATED", *["PROCESSING", "ERRORED"] * 2, "PROCESSING", "FAILED"]
    assert task["attributes"]["error"] == {"type": "ValueError", "message": "never"}


def test_sub_tasks_are_tried_again_too(tasks):
    """GIVEN sub-tasks that fail once, and always; WHEN all attempts are over; THEN each says how many it took."""
    task = tasks.run_fan_out("probe", [{"do": "fail", "attempts": 1}, {"do": "fail"}, {"do": "echo"}])
    assert (task["status"], counters_of(task)) == ("FAILED", (3, 2, 1, 0))
    assert [(sub_task["status"], sub_task["attempt"]) for sub_task in tasks.sub_tasks(task)] == [
        ("COMPLETED", 2),
        ("FAILED", 3),
        ("COMPLETED", 1),
    ]


def test_a_permanent_error_is_not_tried_again(tasks):
    """GIVEN handlers that give up; WHEN they have run once; THEN that was that."""
    one, many = tasks.create("probe", {"do": "give up"}), tasks.fan_out("probe", [{"do": "give up"}])
    one, many = tasks.wait(one), tasks.wait(many)
    error = {"type": "PermanentError", "message": "told to give up"}
    assert (one["status"], one["attempt"], one["attributes"]["error"]) == ("FAILED", 1, error)
    [sub_task] = tasks.sub_tasks(many)
    assert (sub_task["status"], sub_task["attempt"], sub_task["attributes"]["error"]) == ("FAILED", 1, error)


def test_an_attempt_that_takes_too_long_ends(tasks):
    """GIVEN a type whose attempts may take 2 s; WHEN one takes longer; THEN it ends with an error and others go on."""
    slow = {"do": "sleep", "seconds": 30}
    one, many = tasks.create("once", slow), tasks.fan_out("once", [slow, {"do": "echo"}])
    one, many = tasks.wait(one), tasks.wait(many)
    first, second = tasks.sub_tasks(many)
    for late in (one, first):
        error = late["attributes"]["error"]
        assert (late["status"], error["type"]) == ("FAILED", "AttemptTimeout")
        said = r"the attempt ran longer than 2 s; it was at task_types/probe\.py:\d+, in act"
        assert re.fullmatch(said, error["message"])
    assert second["status"] == "COMPLETED"


def test_an_attempt_goes_on_where_the_last_one_saved(tasks):
    """GIVEN a handler that fails after its third checkpoint; WHEN it is tried again; THEN it does the rest only."""
    task = tasks.create("probe", {"do": "checkpoint", "steps": 5, "failAt": 3})
    assert tasks.wait(task, "ERRORED")["attributes"]["progress"] == 0.6
    done = tasks.wait(task)
    assert (done["status"], done["attempt"], done["attributes"]["progress"]) == ("COMPLETED", 2, 1)
    assert done["attributes"]["result"] == {"done": [1, 1, 1, 2, 2], "invocations": 2}


def test_an_attempt_goes_on_in_another_invocation(tasks, early):
    """GIVEN work for longer than a worker has; WHEN its time is nearly up; THEN the attempt goes on in another."""
    task = tasks.wait(early["long"])
    assert (task["status"], task["attempt"]) == ("COMPLETED", 1)
    result = task["attributes"]["result"]
    assert result["done"] == [1] * 24
    assert result["invocations"] == statuses_of(task).count("PROCESSING") > 1
    assert "goes on from its checkpoint" in [entry.get("reason") for entry in task["history"]]
