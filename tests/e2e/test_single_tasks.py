"""Single tasks: a fork's own types, many at once, and what can be wrong with one."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.driver import Driver, statuses_of
from tests.support.planted import view


def test_a_fork_adds_two_files_and_both_kinds_run(tasks):
    """GIVEN a file with @x.task and one with @x.sub_task; WHEN tasks of them are created; THEN they run."""
    one = tasks.create("shout", {"word": "hello"}, name="Hello")
    many = tasks.fan_out("whisper", [{"word": "HUSH"}, {"word": "Now"}])
    one = tasks.wait(one)
    assert (one["status"], one["attributes"]["result"], one["name"]) == ("COMPLETED", "HELLO!", "Hello")
    assert tasks.wait(many)["status"] == "COMPLETED"
    results = [sub_task["attributes"]["result"] for sub_task in tasks.sub_tasks(many)]
    assert results == ["0: hush", "1: now"]


def test_the_life_of_a_task(tasks):
    """GIVEN a cat; WHEN it is fed; THEN its task says so, by whom it was asked for, and what happened when."""
    task = tasks.create("cat", {"key": "value"})
    assert (task["status"], task["version"], task["attempt"], task["run"]) == ("CREATED", 0, 0, 0)
    assert statuses_of(task) == ["CREATED"]
    task = tasks.wait(task)
    assert (task["status"], task["attempt"], task["run"]) == ("COMPLETED", 1, 0)
    assert task["attributes"] == {"result": {"fed": "value"}, "progress": 1}
    statuses = statuses_of(task)
    # A fast worker has the task before the relay has written that it is queued.
    assert statuses in (["CREATED", "QUEUED", "PROCESSING", "COMPLETED"], ["CREATED", "PROCESSING", "COMPLETED"])
    times = [entry["at"] for entry in task["history"]]
    assert times == sorted(times)
    assert task["id"] == f"{task['pk']}#{task['sk']}"
    assert task["createdBy"] == task["history"][0]["by"]
    assert "nextAttemptAt" not in task
    assert "leaseUntil" not in task


VALUES = [
    None,
    True,
    0,
    -1.5,
    1e300,
    12345678901234567890123,
    "",
    'Ünïcödé 🐈 \u0000 \\ "',
    [],
    {},
    {"": {"deep": [[[{"": None}]]]}},
]


def test_any_json_comes_back_as_it_was_sent(tasks):
    """GIVEN values that tables like to change; WHEN a handler returns its input; THEN it is the same."""
    sent = [tasks.create("probe", {"do": "echo", "value": value}) for value in VALUES]
    ended = [tasks.wait(task) for task in sent]
    assert [task["attributes"]["result"]["value"] for task in ended] == VALUES
    assert [task["input"]["value"] for task in ended] == VALUES
    assert [type(task["attributes"]["result"]["value"]) for task in ended] == [type(value) for value in VALUES]


def test_200_tasks_from_8_clients(tasks):
    """GIVEN 8 clients; WHEN each creates 25 tasks; THEN all 200 are done, each with its own result."""

    def client(number):
        driver = Driver(tasks.cloud)
        user = "bob" if number % 2 else "alice"
        created = [driver.create("cat", {"key": number * 25 + index}, user=user) for index in range(25)]
        return [driver.wait(task) for task in created]

    with ThreadPoolExecutor(8) as pool:
        ended = [task for found in pool.map(client, range(8)) for task in found]
    assert [task["status"] for task in ended] == ["COMPLETED"] * 200
    assert [task["attributes"]["result"]["fed"] for task in ended] == list(range(200))
    assert {task["attempt"] for task in ended} == {1}
    assert len({task["code"] for task in ended}) == 200


def test_a_type_without_a_handler(tasks, service):
    """GIVEN no handler for 'x'; WHEN code creates tasks of it; THEN both kinds fail at once and say why."""
    one = view(service.create_task("mbc", "x", {}))
    many = view(service.create_step_function_task("mbc", "x", [1, 2]))
    for task in (tasks.wait(one), tasks.wait(many)):
        assert task["status"] == "FAILED"
        assert task["attributes"]["error"] == {"type": "NoHandler", "message": "no handler for task type 'x'"}
    assert tasks.look(one)["attempt"] == 0
    # They never were more than elements of the input, so they are what their parent is.
    assert [(sub_task["status"], sub_task["attempt"]) for sub_task in tasks.sub_tasks(many)] == [("FAILED", 0)] * 2


def test_a_type_without_a_handler_for_this_kind(tasks, service):
    """GIVEN types with a handler for one kind; WHEN code creates tasks of the other kind; THEN they fail."""
    many = view(service.create_step_function_task("mbc", "shout", [{"word": "a"}]))
    one = view(service.create_task("mbc", "whisper", {"word": "a"}))
    assert tasks.wait(many)["attributes"]["error"]["message"] == "no handler for task type 'shout'"
    assert tasks.wait(one)["attributes"]["error"]["message"] == "no handler for task type 'whisper'"


@pytest.mark.parametrize("kind", ["single", "fan-out"])
def test_a_result_that_is_not_json(tasks, kind):
    """GIVEN a handler that returns a set; WHEN it has run; THEN the task has failed and the error says why."""
    order = {"do": "return not json"}
    if kind == "single":
        task = tasks.run("once", order)
        error = task["attributes"]["error"]
    else:
        task = tasks.run_fan_out("once", [order, {"do": "echo"}])
        broken, fine = tasks.sub_tasks(task)
        assert fine["status"] == "COMPLETED"
        error = broken["attributes"]["error"]
    assert task["status"] == "FAILED"
    assert error["type"] == "InvalidResult"
    assert "JSON" in error["message"]
    assert "set" in error["message"]
