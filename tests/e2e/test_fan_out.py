"""Step Functions tasks of all lengths: in order, counted, gathered, and what becomes of one that fails in part."""

import pytest

from tests.support.driver import ENDED, counters_of, follow, statuses_of

HAPPY = ["CREATED", "STARTED", "PROCESSING", "FINISHED", "COMPLETED"]
CALM = {"do": "echo"}


def test_the_example_of_the_cats(tasks):
    """GIVEN six cats; WHEN they are fed; THEN six sub-tasks in their order and a parent that counted them."""
    cats = [{"key": f"value{number}"} for number in range(1, 7)]
    task = tasks.run_fan_out("cat", cats)
    assert task["status"] == "COMPLETED"
    assert counters_of(task) == (6, 6, 0, 0)
    assert task["attributes"]["progress"] == 1
    assert "result" not in task["attributes"]
    assert statuses_of(task) == HAPPY
    times = [entry["at"] for entry in task["history"]]
    assert times == sorted(times)
    assert times[0] == task["createdAt"]
    assert task["input"] == cats
    sub_tasks = tasks.sub_tasks(task)
    assert [sub_task["index"] for sub_task in sub_tasks] == list(range(6))
    assert [sub_task["sk"] for sub_task in sub_tasks] == [f"{task['sk']}#{index}" for index in range(6)]
    assert {sub_task["pk"] for sub_task in sub_tasks} == {task["pk"]}
    assert [sub_task["input"] for sub_task in sub_tasks] == cats
    assert [sub_task["attributes"] for sub_task in sub_tasks] == [{"result": {"fed": cat["key"]}} for cat in cats]
    assert {(sub_task["status"], sub_task["attempt"]) for sub_task in sub_tasks} == {("COMPLETED", 1)}
    assert all(times[0] <= sub_task["startedAt"] <= sub_task["finishedAt"] <= times[-1] for sub_task in sub_tasks)


@pytest.mark.parametrize("count", [0, 1, 7, 100, 1000])
def test_lists_of_any_length(tasks, count):
    """GIVEN a list; WHEN it has been worked off; THEN every element was, once, and its place tells which is which."""
    task = tasks.run_fan_out("cat", [{"key": number} for number in range(count)])
    assert task["status"] == "COMPLETED"
    assert counters_of(task) == (count, count, 0, 0)
    assert statuses_of(task) == HAPPY
    sub_tasks = tasks.sub_tasks(task)
    assert [sub_task["attributes"]["result"]["fed"] for sub_task in sub_tasks] == list(range(count))
    assert [sub_task["index"] for sub_task in sub_tasks] == list(range(count))


def test_one_failing_of_five(tasks):
    """GIVEN one that cannot be done; WHEN the others are; THEN their results stay and the parent says what failed."""
    orders = [{"do": "echo", "value": index} for index in range(4)]
    task = tasks.run_fan_out("once", [*orders, {"do": "fail", "message": "the milk is sour"}])
    assert task["status"] == "FAILED"
    assert counters_of(task) == (5, 4, 1, 0)
    assert task["attributes"]["error"] == {
        "type": "SubTasksFailed",
        "message": "1 of 5 sub-tasks failed, 0 tolerated; sub-task 4: ValueError: the milk is sour",
    }
    assert statuses_of(task) == [*HAPPY[:-1], "FAILED"]
    *four, fifth = tasks.sub_tasks(task)
    assert [sub_task["attributes"]["result"]["value"] for sub_task in four] == list(range(4))
    assert fifth["status"] == "FAILED"
    assert fifth["attributes"] == {"error": {"type": "ValueError", "message": "the milk is sour"}}
    assert [sub_task["index"] for sub_task in tasks.sub_tasks(task, status="FAILED")] == [4]


def test_the_fan_in_gets_every_outcome_in_order(tasks):
    """GIVEN a type that tolerates a fifth and gathers; WHEN one of five fails; THEN its fan-in decides the result."""
    orders = [CALM, CALM, {"do": "fail", "message": "no"}, CALM, {"do": "return", "bytes": 300_000}]
    task = tasks.run_fan_out("tolerant", orders)
    assert task["status"] == "COMPLETED"
    assert counters_of(task) == (5, 4, 1, 0)
    large = task["attributes"]
    result = large["result"] if "result" in large else follow(large["resultUrl"])
    assert (result["of"], result["inputs"]) == (task["code"], 5)
    assert [(index, status) for index, status, _ in result["outcomes"]] == [
        (0, "COMPLETED"),
        (1, "COMPLETED"),
        (2, "FAILED"),
        (3, "COMPLETED"),
        (4, "COMPLETED"),
    ]
    assert result["outcomes"][2][2] == {"type": "ValueError", "message": "no"}
    assert len(result["outcomes"][4][2]) == 300_000 - 2


def test_more_failures_than_are_tolerated(tasks):
    """GIVEN a type that tolerates a fifth; WHEN two of five fail; THEN the parent fails and gathers nothing."""
    no = {"do": "fail", "message": "no"}
    task = tasks.run_fan_out("tolerant", [CALM, no, CALM, no, CALM])
    assert task["status"] == "FAILED"
    assert "2 of 5 sub-tasks failed, 20% tolerated; sub-task 1" in task["attributes"]["error"]["message"]
    assert "result" not in task["attributes"]


def test_a_running_task_shows_how_far_it_is(tasks):
    """GIVEN eight elements, two of which take long; WHEN the others are done; THEN counts and progress say so."""
    task = tasks.fan_out("alone", [CALM] * 6 + [{"do": "sleep", "seconds": 3}] * 2)
    tasks.wait(task, "PROCESSING")
    progress = []

    def six_are_done():
        now = tasks.look(task)
        progress.append(now["attributes"]["progress"])
        count, succeeded, failed, running = counters_of(now)
        assert succeeded + failed + running == count == 8 or now["status"] in ("FINISHED", *ENDED)
        return succeeded >= 6

    tasks.until(six_are_done, "six of eight are done")
    assert tasks.wait(task)["status"] == "COMPLETED"
    assert progress == sorted(progress)
