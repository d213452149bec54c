"""Workers that die. The tasks were created when the session began; by now most leases are over (see conftest.py)."""

import pytest

from tests.support.driver import counters_of, statuses_of

PATIENCE = 150
"""Seconds: up to three leases, one after the other."""
LOST = {"type": "WorkerLost", "message": "the worker died or was killed while it ran this sub-task"}


def test_a_task_whose_worker_was_killed_gets_its_next_attempt(tasks, early):
    """GIVEN a worker killed in the middle of its task; WHEN the lease is over; THEN another one completes it."""
    task = tasks.wait(early["killed"], seconds=PATIENCE)
    assert (task["status"], task["attempt"]) == ("COMPLETED", 2)
    claims = [entry for entry in task["history"] if entry["status"] == "PROCESSING"]
    assert [claim["attempt"] for claim in claims] == [1, 2]
    assert [claim.get("reason") for claim in claims] == [None, "worker died"]
    said = [line for line in tasks.log_lines("QueueFunction") if "the worker of an attempt was lost" in line]
    assert any(task["id"] in line and "worker died" in line for line in said)


def test_a_task_whose_last_worker_was_killed_fails(tasks, early):
    """GIVEN a worker killed in the only attempt; WHEN the lease is over; THEN the task fails and says why."""
    task = tasks.wait(early["killed for good"], seconds=PATIENCE)
    assert (task["status"], task["attempt"]) == ("FAILED", 1)
    assert task["attributes"]["error"] == {
        "type": "WorkerLost",
        "message": "the worker of attempt 1 died, was killed, or got no answer from AWS",
    }


def test_a_sub_task_that_always_kills_its_worker_harms_no_other(tasks, early):
    """GIVEN ten sub-tasks in one chunk, one of them deadly; WHEN its attempts are used up; THEN the nine are done."""
    task = tasks.wait(early["deadly"], seconds=PATIENCE)
    assert (task["status"], counters_of(task)) == ("FAILED", (10, 9, 1, 0))
    sub_tasks = tasks.sub_tasks(task)
    assert [sub_task["status"] for sub_task in sub_tasks] == ["COMPLETED"] * 3 + ["FAILED"] + ["COMPLETED"] * 6
    assert {sub_task["attempt"] for sub_task in sub_tasks if sub_task["index"] != 3} == {1}
    assert (sub_tasks[3]["attempt"], sub_tasks[3]["attributes"]["error"]) == (2, LOST)
    assert "sub-task 3: WorkerLost" in task["attributes"]["error"]["message"]
    assert statuses_of(task).count("PROCESSING") == 1


def test_a_sub_task_that_kills_its_worker_once_is_done_the_next_time(tasks, early):
    """GIVEN ten sub-tasks in one chunk, one of them deadly at first; WHEN it is tried again; THEN all ten are done."""
    task = tasks.wait(early["wounded"], seconds=PATIENCE)
    assert (task["status"], counters_of(task)) == ("COMPLETED", (10, 10, 0, 0))
    assert [sub_task["attempt"] for sub_task in tasks.sub_tasks(task)] == [1] * 7 + [2] + [1] * 2


@pytest.mark.parametrize("task_type", ["once", "brief"])
def test_an_element_that_kills_its_worker_costs_seconds(tasks, early, task_type):
    """GIVEN ten elements, of which one kills its worker; WHEN leases last as on AWS; THEN all ends in seconds."""
    calm, deadly = {"do": "echo"}, {"do": "exit"}
    tasks.set_timeouts(ChunkFunction=900)
    try:
        task = tasks.fan_out(task_type, [calm] * 4 + [deadly] + [calm] * 5)
        task = tasks.wait(task, seconds=PATIENCE)
    finally:
        tasks.set_timeouts(ChunkFunction=10)
    assert (task["status"], counters_of(task)) == ("FAILED", (10, 9, 1, 0))
    assert tasks.sub_tasks(task)[4]["attributes"]["error"] == LOST
    said = [line for line in tasks.log_lines("ChunkFunction") if "a sub-task is charged for a worker's death" in line]
    assert any(task["id"] in line for line in said)


@pytest.mark.slow
def test_a_killed_worker_is_noticed_within_three_minutes_and_a_living_one_is_not_replaced(tasks, early):
    """GIVEN invocations of 15 minutes; WHEN one worker is killed and one works for long; THEN each ends once."""
    tasks.set_timeouts(QueueFunction=900)
    try:
        long = tasks.create("lasting", {"do": "sleep", "seconds": 160})
        killed = tasks.wait(tasks.create("lasting", {"do": "exit", "attempts": 1}), "COMPLETED", seconds=180)
        long = tasks.wait(long, seconds=60)
    finally:
        tasks.set_timeouts(QueueFunction=15)
    assert [entry.get("reason") for entry in killed["history"] if entry["status"] == "PROCESSING"] == [
        None,
        "worker died",
    ]
    assert (long["status"], long["attempt"]) == ("COMPLETED", 1)
