"""Workers that die. The tasks were created when the session began; by now most leases are over (see conftest.py)."""

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
