"""Cancel and retry of both kinds, and when they are refused."""

import json

import pytest

from tests.support.driver import counters_of, statuses_of

HOLD = {"do": "hold"}


def sub_task_statuses(tasks, task):
    return [sub_task["status"] for sub_task in tasks.sub_tasks(task)]


def test_cancel_a_running_task(tasks):
    """GIVEN a task that runs until it is told to stop; WHEN it is cancelled; THEN it stops, and by whom is known."""
    task = tasks.create("probe", HOLD)
    tasks.wait(task, "PROCESSING")
    answer = tasks.cancel(task)
    assert (answer.status, answer.body["status"]) == (200, "CANCELLED")
    last = answer.body["history"][-1]
    assert (last["status"], last["by"]) == ("CANCELLED", task["createdBy"])
    again = tasks.cancel(task)
    assert again.status == 409
    assert "CANCELLED" in again.body["message"]
    tasks.until(lambda: any("lost the lease" in line for line in tasks.log_lines("QueueFunction")), "the worker stops")
    assert tasks.look(task)["version"] == answer.body["version"]


def a_short_list(tasks, orders):
    return tasks.fan_out("alone", orders)


def an_upload(tasks, orders):
    return tasks.fan_out_of("alone", tasks.upload("".join(f"{json.dumps(order)}\n" for order in orders).encode()))


@pytest.mark.parametrize(("of", "stopped"), [(a_short_list, "SUCCEEDED"), (an_upload, "ABORTED")])
def test_cancel_a_running_fan_out(tasks, of, stopped):
    """GIVEN a fan-out of which some run and some wait; WHEN it is cancelled; THEN it stops and those never run.

    A lane cannot be stopped: it ends by itself, and starts nothing.
    """
    task = of(tasks, [{"do": "echo"}, *[HOLD] * 15])

    def eight_run():
        return tasks.look(task)["attributes"].get("subTaskSucceedCount")

    tasks.until(eight_run, "the first sub-task is done")
    answer = tasks.cancel(task)
    assert (answer.status, answer.body["status"]) == (200, "CANCELLED")
    stepfunctions = tasks.cloud.client("stepfunctions")
    arn = answer.body["executionArn"]
    tasks.until(lambda: stepfunctions.describe_execution(executionArn=arn)["status"] == stopped, "it is stopped")
    statuses = sub_task_statuses(tasks, task)
    assert statuses[0] == "COMPLETED"
    assert set(statuses[-7:]) == {"CANCELLED"}
    assert tasks.retry(task).status == 202
    answer = tasks.cancel(task)
    assert answer.status == 200
    assert statuses_of(answer.body)[-2:] in (
        ["CREATED", "CANCELLED"],
        ["STARTED", "CANCELLED"],
        ["PROCESSING", "CANCELLED"],
    )


def test_retry_a_failed_task(tasks):
    """GIVEN a task that fails in its first run; WHEN it is retried; THEN run 1 starts over and the history goes on."""
    task = tasks.run("once", {"do": "fail", "runs": 1})
    assert task["status"] == "FAILED"
    answer = tasks.retry(task)
    assert answer.status == 202
    assert (answer.body["status"], answer.body["run"], answer.body["attempt"]) == ("CREATED", 1, 0)
    assert "error" not in answer.body["attributes"]
    task = tasks.wait(task)
    assert (task["status"], task["run"], task["attempt"]) == ("COMPLETED", 1, 1)
    assert [status for status in statuses_of(task) if status != "QUEUED"] == [
        "CREATED",
        "PROCESSING",
        "FAILED",
        "CREATED",
        "PROCESSING",
        "COMPLETED",
    ]


def test_retry_runs_only_what_failed(tasks):
    """GIVEN five sub-tasks of which two failed; WHEN the parent is retried; THEN those two run again and no other."""
    broken, fine = {"do": "fail", "runs": 1}, {"do": "echo"}
    task = tasks.run_fan_out("once", [fine, broken, fine, broken, fine])
    assert (task["status"], counters_of(task)) == ("FAILED", (5, 3, 2, 0))
    before = tasks.sub_tasks(task)
    assert tasks.retry(task).status == 202
    task = tasks.wait(task)
    assert (task["status"], task["run"], counters_of(task)) == ("COMPLETED", 1, (5, 5, 0, 0))
    after = tasks.sub_tasks(task)
    for index in (0, 2, 4):
        assert after[index] == before[index]
    for index in (1, 3):
        assert (before[index]["status"], after[index]["status"]) == ("FAILED", "COMPLETED")
        assert after[index]["startedAt"] > before[index]["startedAt"]
    # The two runs are two executions, named after the task and the run.
    assert task["executionArn"].endswith(f":{task['code']}-1")


def test_retry_of_a_cancelled_fan_out(tasks):
    """GIVEN a fan-out that was cancelled at once; WHEN it is retried; THEN it runs to its end."""
    task = tasks.fan_out("cat", [{"key": index} for index in range(20)])
    assert tasks.cancel(task).status == 200
    assert tasks.retry(task).status == 202
    task = tasks.wait(task)
    assert (task["status"], task["run"], counters_of(task)) == ("COMPLETED", 1, (20, 20, 0, 0))


def test_what_is_refused(tasks):
    """GIVEN an ended and a running task; WHEN one is cancelled and both are retried; THEN 409 with the status."""
    done = tasks.run("cat", {"key": 1})
    running = tasks.create("probe", HOLD)
    tasks.wait(running, "PROCESSING")
    for answer, status in (
        (tasks.cancel(done), "COMPLETED"),
        (tasks.retry(done), "COMPLETED"),
        (tasks.retry(running), "PROCESSING"),
    ):
        assert answer.status == 409
        assert status in answer.body["message"]
    assert tasks.cancel(running).status == 200
    assert tasks.cancel({**done, "code": "0" * 26}).status == 404
