"""The sweeper finds what was lost on the way. What was lost is put into the table by hand (see planted.py)."""

import time
import uuid

import pytest
from serverless_tasks import TaskKind, TaskStatus
from serverless_tasks.core.dynamodb.attribute_values import decode_item, encode_item

from tests.support.driver import Driver
from tests.support.planted import (
    ago,
    lost_task,
    plant,
    plant_an_end_that_was_given_up,
    plant_beside_an_ended_execution,
    put,
)

TASK, SFN_TASK = TaskKind.TASK, TaskKind.SFN_TASK
SCHEDULE_SECONDS = 90
"""The sweeper runs once a minute here."""


@pytest.fixture(scope="module")
def by_schedule(forked, early):
    """The task that was lost when the session began; the sweeper's own schedule has found it, nobody called it."""
    return Driver(forked).wait(early["lost"], seconds=SCHEDULE_SECONDS)


@pytest.fixture
def sweep(tasks, by_schedule):
    """Call the sweeper."""
    return lambda: tasks.cloud.invoke("SweeperFunction", {})


def test_a_lost_task_is_found_on_schedule(by_schedule):
    """GIVEN a task whose stream record was lost; WHEN a minute has passed; THEN the sweeper has sent it on its way."""
    assert by_schedule["status"] == "COMPLETED"
    assert by_schedule["attempt"] == 1


LOST = {
    "a task that was never sent": (TASK, TaskStatus.CREATED, {}),
    "a message that is gone": (TASK, TaskStatus.QUEUED, {"dispatched_at": ago(60)}),
    "a worker that is gone and its message with it": (
        TASK,
        TaskStatus.PROCESSING,
        {"attempt": 1, "lease_until": ago(10), "attempt_started_at": ago(12)},
    ),
    "a retry whose message is gone": (TASK, TaskStatus.ERRORED, {"attempt": 1, "next_attempt_at": ago(60)}),
    "a fan-out that was never started": (SFN_TASK, TaskStatus.CREATED, {}),
    "a fan-out whose execution is missing": (SFN_TASK, TaskStatus.STARTED, {"dispatched_at": ago(60)}),
}


@pytest.mark.parametrize("what", LOST)
def test_what_was_lost_is_found(tasks, sweep, what):
    """GIVEN an open task that nothing would ever move again; WHEN the sweeper looks; THEN it runs to its end."""
    kind, status, values = LOST[what]
    lost = plant(tasks.cloud, lost_task(kind, status, **values))
    assert sweep()["looked"] >= 1
    task = tasks.wait(lost)
    assert task["status"] == "COMPLETED"
    assert task["attempt"] == (values.get("attempt", 0) + 1 if kind is TASK else 0)


def test_a_fan_out_whose_execution_has_ended_without_it(tasks, sweep):
    """GIVEN an execution that left its task open; WHEN the sweeper looks; THEN it fails, and may be retried."""
    task = plant_beside_an_ended_execution(tasks)
    sweep()
    task = tasks.wait(task)
    assert task["status"] == "FAILED"
    assert task["attributes"]["error"]["type"] == "WorkerLost"
    assert tasks.retry(task, user="carol").status == 202
    assert tasks.wait(task)["status"] == "COMPLETED"


def test_an_end_whose_record_was_given_up_is_to_be_published(tasks, sweep):
    """GIVEN an end in a record that Lambda put into the bucket; WHEN the sweeper looks; THEN it is undelivered."""
    record, end = plant_an_end_that_was_given_up(tasks.cloud)
    bucket, table = tasks.cloud.stack["bucketName"], tasks.cloud.stack["tableName"]
    sweep()
    found = tasks.cloud.client("dynamodb").get_item(TableName=table, Key=encode_item(end))["Item"]
    assert decode_item(found)["topics"] == ["status", "alarm"]
    listed = tasks.cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="aws/lambda/")
    assert record not in {each["Key"] for each in listed.get("Contents", ())}


def test_a_healthy_task_is_left_alone(tasks, sweep):
    """GIVEN a running task; WHEN the sweeper looks, twice; THEN it is not sent again."""
    task = tasks.create("probe", {"do": "sleep", "seconds": 2})
    tasks.wait(task, "PROCESSING")
    sweep()
    sweep()
    task = tasks.wait(task)
    assert (task["status"], task["attempt"]) == ("COMPLETED", 1)
    assert "dispatchedAt" not in tasks.item(task) or tasks.item(task)["dispatchedAt"] < task["updatedAt"]


def test_a_foreign_item_stops_no_sweep(tasks, sweep):
    """GIVEN a foreign item in the sweeper's index; WHEN it looks; THEN it says so and goes on."""
    began = time.time()
    foreign = {"pk": f"FOREIGN#{uuid.uuid4().hex}", "sk": "1", "dueAt": ago(10_000)}
    put(tasks.cloud, {**foreign, "attention": "OPEN#0"})
    try:
        lost = plant(tasks.cloud, lost_task(TASK, TaskStatus.CREATED))
        sweep()
        assert tasks.wait(lost)["status"] == "COMPLETED"
        named = lambda: any(foreign["pk"] in line for line in tasks.log_lines("SweeperFunction", began))  # noqa: E731
        tasks.until(named, "the sweeper names the item")
    finally:
        put(tasks.cloud, foreign)  # out of the index again
