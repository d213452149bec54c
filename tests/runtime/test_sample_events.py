"""Every sample event, worked on by its function as it is built, under Lambda's own runtime."""

import base64
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serverless_tasks import TaskKey, TaskStatus

from local.cloud import Connection
from tests.runtime.tasks import Tasks
from tests.support import events

Call = Callable[..., Any]
CREATED = "relay-task-created"
FAN_OUT_CREATED = "relay-step-function-task-created"
FAILED = "relay-task-failed"
FAN_OUT_CANCELLED = "relay-step-function-task-cancelled"
RESULT = {"fed": "value1"}
DATE = events.image(CREATED)["createdAt"]["S"][:10]
"""Day of the sample events: what is said of it, a sample event made the function say."""


@pytest.fixture
def tasks(cloud: Connection) -> Tasks:
    return Tasks(cloud)


@pytest.fixture
def heard(cloud: Connection) -> Callable[[], list[dict[str, Any]]]:
    """Call it for the messages of both topics since the test began."""
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    url = sqs.create_queue(QueueName="runtime-subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for topic in (cloud.stack["statusTopicArn"], cloud.stack["alarmTopicArn"]):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    def heard() -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
            messages += [json.loads(message["Body"]) for message in received]
        return messages

    return heard


def body_of(answer: dict[str, Any], status: int) -> dict[str, Any]:
    assert answer["statusCode"] == status, answer
    body: dict[str, Any] = json.loads(answer["body"])
    return body


def statuses(task: Any) -> list[str]:
    return [str(entry["status"]) for entry in task.history]


def test_every_event_is_called_here():
    called = set(re.findall(r'call\("([a-z-]+)"', Path(__file__).read_text(encoding="utf-8")))
    assert called == set(events.NAMES)


# ---------------------------------------------------------------- api


def test_api_creates_a_task(call: Call, tasks: Tasks):
    task = body_of(call("api-create-task"), 201)
    assert tasks.ended(TaskKey(task["pk"], task["sk"])).result == RESULT
    again = events.load("api-create-task")
    again["requestContext"]["requestId"] = "Xa308jd0oAMEPZw="  # another request, with the same Idempotency-Key
    assert body_of(call("api-create-task", again), 200)["code"] == task["code"]


def test_api_creates_a_step_function_task(call: Call, tasks: Tasks):
    task = body_of(call("api-create-step-function-task"), 201)
    assert tasks.ended(TaskKey(task["pk"], task["sk"])).attributes["subTaskSucceedCount"] == 6


def test_api_creates_a_task_of_an_upload(call: Call, tasks: Tasks, cloud: Connection):
    assert body_of(call("api-create-upload"), 201)["inputRef"].startswith("uploads/mbc/")
    event = events.load("api-create-step-function-task-of-upload")
    key = json.loads(event["body"])["inputRef"]
    cloud.client("s3").put_object(Bucket=cloud.stack["bucketName"], Key=key, Body=b"key\nvalue1\nvalue2\n")
    task = body_of(call("api-create-step-function-task-of-upload"), 201)
    assert tasks.ended(TaskKey(task["pk"], task["sk"])).attributes["subTaskSucceedCount"] == 2


def test_api_reads(call: Call, tasks: Tasks):
    single, fan_out = tasks.put(CREATED), tasks.put(FAN_OUT_CREATED)
    assert fan_out.code in [task["code"] for task in body_of(call("api-list-tasks"), 200)["items"]]
    assert body_of(call("api-get-task"), 200)["id"] == str(single)
    assert [sub_task["index"] for sub_task in body_of(call("api-list-sub-tasks"), 200)["items"]] == [0, 1, 2]
    assert body_of(call("api-list-chunks"), 200) == {"items": []}
    tasks.put(FAN_OUT_CANCELLED)
    assert [link["count"] for link in body_of(call("api-list-results"), 303)["items"]] == [0]


def test_api_knows_the_task_types(call: Call):
    known = body_of(call("api-list-task-types"), 200)
    assert known["complete"] is True
    assert [item["taskType"] for item in known["items"]] == ["cat"]


def test_api_cancels(call: Call, tasks: Tasks):
    key = tasks.put(FAN_OUT_CREATED)
    assert body_of(call("api-cancel-task"), 200)["status"] == "CANCELLED"
    assert tasks.get(key).status is TaskStatus.CANCELLED


def test_api_retries(call: Call, tasks: Tasks):
    key = tasks.put(FAILED)
    assert body_of(call("api-retry-task"), 202)["run"] == 1
    assert tasks.ended(key).result == {"fed": "value7"}


def test_api_describes_itself(call: Call):
    assert call("api-openapi")["statusCode"] == 200
    assert call("api-docs")["statusCode"] == 200


# ---------------------------------------------------------------- console


def test_console_hands_out_its_page(call: Call):
    page = call("console-page")
    assert (page["statusCode"], page["headers"]["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(base64.b64decode(page["body"])).startswith(b"<!doctype html>")
    configuration = call("console-file")
    assert json.loads(gzip.decompress(base64.b64decode(configuration["body"])))["region"] == "us-east-1"


# ---------------------------------------------------------------- relay


def test_relay_dispatches_a_task(call: Call, tasks: Tasks):
    key = tasks.put(CREATED)
    assert call("relay-task-created") == {"batchItemFailures": []}
    assert tasks.ended(key).result == RESULT


def test_relay_dispatches_a_step_function_task(call: Call, tasks: Tasks):
    key = tasks.put(FAN_OUT_CREATED)
    assert call("relay-step-function-task-created") == {"batchItemFailures": []}
    task = tasks.ended(key)
    assert task.execution_arn
    assert task.execution_arn.endswith(f"-lane:{key.code}")  # on AWS, a code of the lane's own follows


def test_relay_publishes_to_the_topics(call: Call, heard: Callable[[], list[dict[str, Any]]]):
    for answer in (
        call("relay-task-completed"),
        call("relay-step-function-task-completed"),
        call("relay-step-function-task-cancelled"),
        call("relay-task-failed"),
    ):
        assert answer == {"batchItemFailures": []}
    ends = ("relay-task-completed", "relay-step-function-task-completed", "relay-step-function-task-cancelled", FAILED)
    expected = [(events.image(name)["id"]["S"], events.image(name)["status"]["S"]) for name in ends]
    messages = heard()
    said = [(m["id"], m["content"]["status"]) for m in messages if m.get("updatedAt", "").startswith(DATE)]
    assert sorted(said) == sorted(expected)
    [alarm] = [m for m in messages if m["action"] == "sfn-alarm" and m["id"] == events.image(FAILED)["id"]["S"]]
    assert alarm["content"]["errorMessage"].startswith("WorkerLost: ")


def test_relay_ignores_a_foreign_record(call: Call):
    assert call("relay-foreign-record") == {"batchItemFailures": []}


# ---------------------------------------------------------------- queue worker


def test_queue_worker_runs_a_task(call: Call, tasks: Tasks, cloud: Connection, task_queue: str):
    key = tasks.put(CREATED)
    event = events.load("queue-task")
    [record] = event["Records"]
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=task_queue, MessageBody=record["body"])
    [message] = sqs.receive_message(QueueUrl=task_queue, WaitTimeSeconds=5)["Messages"]
    record["receiptHandle"] = message["ReceiptHandle"]  # of a message in flight: the worker prolongs its visibility
    assert call("queue-task", event) == {"batchItemFailures": []}
    task = tasks.get(key)
    assert (task.status, task.result) == (TaskStatus.COMPLETED, RESULT)
    assert statuses(task) == ["CREATED", "PROCESSING", "COMPLETED"]


def test_queue_worker_dead_letters_a_malformed_message(call: Call, cloud: Connection):
    assert call("queue-malformed") == {"batchItemFailures": []}
    sqs, url = cloud.client("sqs"), cloud.stack["deadLetterQueueUrl"]
    [sent] = events.load("queue-malformed")["Records"]
    wanted = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "WaitTimeSeconds": 5}
    found = sqs.receive_message(QueueUrl=url, **wanted)["Messages"]
    [message] = [message for message in found if message["Body"] == sent["body"]]
    assert message["MessageAttributes"]["reason"]["StringValue"] == "v must be 1 to 1"


# ---------------------------------------------------------------- plan, chunk, finish


def test_a_fan_out_runs_state_by_state(call: Call, tasks: Tasks):
    key = tasks.put(FAN_OUT_CREATED)
    plan = call("plan-first")
    assert plan == events.load("plan-next-round")["input"]["plan"]
    first, *others = plan["chunks"]
    assert call("chunk-after-a-death", {**events.load("chunk-after-a-death"), "chunk": first}) == {}  # before a claim
    for number in others:
        assert call("chunk", {**events.load("chunk"), "chunk": number}) == {}
    assert call("plan-next-round") == events.load("finish")["plan"]
    assert call("finish") == {}
    task = tasks.get(key)
    assert statuses(task) == ["CREATED", "PROCESSING", "FINISHED", "COMPLETED"]
    assert (task.attributes["subTaskSucceedCount"], task.attributes["subTaskFailedCount"]) == (6, 0)


def test_a_fan_out_runs_in_the_fast_lane(call: Call, tasks: Tasks):
    key = tasks.put(FAN_OUT_CREATED)
    plan = call("plan-in-lane")
    assert call("chunk-free") == {}  # before a claim
    assert call("finish-in-lane") == {"next": "hand-over"}
    for number in plan["chunks"]:
        assert call("chunk-in-lane", {**events.load("chunk-in-lane"), "chunk": number}) == {}
    assert call("finish-in-lane") == {}
    assert statuses(tasks.get(key)) == ["CREATED", "PROCESSING", "FINISHED", "COMPLETED"]


def test_finish_ends_what_the_state_machine_gave_up(call: Call, tasks: Tasks):
    key = tasks.put(FAN_OUT_CREATED)
    assert call("finish-gave-up") == {}
    task = tasks.get(key)
    assert task.status is TaskStatus.FAILED
    assert task.error
    assert "Sandbox.Timedout" in task.error["message"]


# ---------------------------------------------------------------- sweeper


def test_sweeper_dispatches_what_is_due(call: Call, tasks: Tasks):
    call("sweeper-tick")  # the process is there now, so that the cloud's own sweeper will hardly be faster
    key = tasks.put(CREATED, dueAt=events.image(CREATED)["dueAt"])
    assert call("sweeper-tick")["looked"] >= 1
    assert tasks.ended(key).result == RESULT
