"""The fast lane on the local cloud: a short list starts no Standard execution, and after a loss exactly one."""

import pytest
from serverless_tasks.core.dynamodb.attribute_values import encode_item

from tests.support.driver import counters_of, statuses_of
from tests.support.planted import ago

HAPPY = ["CREATED", "STARTED", "PROCESSING", "FINISHED", "COMPLETED"]
CALM = {"do": "echo"}


@pytest.fixture
def standard(tasks):
    """The Standard executions of a task."""

    def named(task):
        listed = tasks.cloud.client("stepfunctions").get_paginator("list_executions")
        pages = listed.paginate(stateMachineArn=tasks.cloud.stack["stateMachineArn"])
        return [found["name"] for page in pages for found in page["executions"] if task["code"] in found["name"]]

    return named


def test_a_list_of_ten_starts_no_standard_execution(tasks, standard):
    """GIVEN ten elements; WHEN they have been worked off; THEN an Express execution did it, and it is counted."""
    task = tasks.run_fan_out("cat", [{"key": number} for number in range(10)])
    assert (statuses_of(task), counters_of(task), standard(task)) == (HAPPY, (10, 10, 0, 0), [])
    assert f"-lane:{task['code']}" in task["executionArn"]
    assert (task["usage"]["expressRequests"], task["usage"]["stateTransitions"]) == (1, 0)
    assert 0 < task["usage"]["expressSeconds"] < 60


def test_after_a_worker_was_killed_there_is_one_and_it_goes_on_at_once(tasks, standard):
    """GIVEN ten elements of which one kills its worker once; WHEN all is done; THEN one execution took over."""
    tasks.set_timeouts(ChunkFunction=900)  # leases last as on AWS
    try:
        task = tasks.fan_out("probe", [*[CALM] * 4, {"do": "exit", "attempts": 1}, *[CALM] * 5])
        task = tasks.wait(task, seconds=60)
    finally:
        tasks.set_timeouts(ChunkFunction=10)
    assert (task["status"], counters_of(task), standard(task)) == ("COMPLETED", (10, 10, 0, 0), [task["code"]])


def test_after_its_lane_was_killed_there_is_one(tasks, standard):
    """GIVEN a lane that dies while its chunk runs; WHEN no lane can live; THEN the sweeper starts one execution."""
    task = tasks.wait(tasks.fan_out("probe", [{"do": "sleep", "seconds": 3}, CALM]), "PROCESSING")
    stepfunctions = tasks.cloud.client("stepfunctions")
    stepfunctions.stop_execution(executionArn=task["executionArn"])  # nobody can, on AWS; there it may die all the same
    tasks.until(lambda: counters_of(tasks.look(task))[1] == 2, "both sub-tasks are done")
    assert tasks.look(task)["status"] == "PROCESSING"
    tasks.cloud.invoke("SweeperFunction", {})
    assert standard(task) == []

    _let_time_pass(tasks, task)
    tasks.cloud.invoke("SweeperFunction", {})

    task = tasks.wait(task)
    assert (statuses_of(task), standard(task)) == (HAPPY, [task["code"]])


def _let_time_pass(tasks, task):
    """Let the task have become PROCESSING seven minutes ago, and be due."""
    item = tasks.item(task)
    item["history"][-1]["at"] = ago(7)
    item["dueAt"] = ago(1)
    table = tasks.cloud.stack["tableName"]
    tasks.cloud.client("dynamodb").put_item(TableName=table, Item=encode_item({**item, "change": "data"}))
