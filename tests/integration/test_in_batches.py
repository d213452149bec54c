"""Batches of SQS, SNS and EventBridge where moto takes everything and AWS does not: limits, and entries refused."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY
from serverless_tasks import TaskEntity, TaskStatus
from serverless_tasks.adapters.in_batches import MOST_BYTES, NotTaken, in_batches
from serverless_tasks.adapters.queue import TaskQueue
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.adapters.sinks.alarm_topic import AlarmTopic
from serverless_tasks.adapters.sinks.event_bus import EventBus
from serverless_tasks.adapters.sinks.status_topic import StatusTopic

from tests.support.examples import AT
from tests.support.moto_stack import MotoStack
from tests.support.stubs import stubbed

URL = "https://sqs.eu-central-1.amazonaws.com/1/tasks"
STATUS, ALARM = "arn:aws:sns:eu-central-1:1:status", "arn:aws:sns:eu-central-1:1:alarm"
SETTINGS = Settings(table_name="tasks", status_topic_arn=STATUS, alarm_topic_arn=ALARM, event_bus_name="ours")


@pytest.fixture
def task(stack: MotoStack) -> TaskEntity:
    return stack.service.create_task("mbc", "cat", 1)


def several(task: TaskEntity, count: int, **values: Any) -> list[TaskEntity]:
    return [replace(task, sk=f"cat#{number}", **values) for number in range(count)]


def refusing(*numbers: int) -> dict[str, Any]:
    failed = [{"Id": str(n), "Code": "InternalError", "Message": "try again", "SenderFault": False} for n in numbers]
    return {"Successful": [], "Failed": failed}


def test_messages_go_ten_with_a_request(task: TaskEntity) -> None:
    requests: list[list[str]] = []

    def send(entries: Any) -> dict[str, Any]:
        requests.append([entry["Id"] for entry in entries])
        return {}

    assert in_batches(several(task, 25), lambda task: {"Message": task.sk}, send) == {}

    assert requests == [list("0123456789"), list("0123456789"), list("01234")]


def test_large_messages_go_with_fewer_to_a_request(task: TaskEntity) -> None:
    # GIVEN messages of which three are too much, and one that is too much alone
    lengths = dict(zip([f"cat#{n}" for n in range(5)], [90_000, 90_000, 90_000, 300_000, 10], strict=True))
    requests: list[int] = []

    def send(entries: Any) -> dict[str, Any]:
        size = sum(len(entry["Message"]) for entry in entries)
        requests.append(len(entries))
        if size > MOST_BYTES:
            raise ClientError({"Error": {"Code": "BatchRequestTooLong"}}, "PublishBatch")
        return {}

    failures = in_batches(several(task, 5), lambda task: {"Message": "x" * lengths[task.sk]}, send)

    # THEN the one fails, and alone
    assert requests == [2, 1, 1, 1]
    assert [key.sk for key in failures] == ["cat#3"]


def test_a_message_that_cannot_be_built_keeps_no_other(task: TaskEntity) -> None:
    sent: list[Any] = []

    def build(task: TaskEntity) -> dict[str, Any]:
        return {"Message": {"cat#0": "fine", "cat#2": "fine"}[task.sk]}

    failures = in_batches(several(task, 3), build, lambda entries: sent.extend(entries) or {})

    assert [entry["Id"] for entry in sent] == ["0", "1"]
    assert {key.sk: type(error) for key, error in failures.items()} == {"cat#1": KeyError}


def test_an_entry_that_the_queue_refuses_comes_back_with_its_reason(task: TaskEntity) -> None:
    tasks = several(task, 12)
    with stubbed("sqs") as (client, stub):
        stub.add_response("send_message_batch", refusing(3, 9), {"QueueUrl": URL, "Entries": ANY})
        stub.add_response("send_message_batch", refusing(1), {"QueueUrl": URL, "Entries": ANY})

        failures = TaskQueue(client, URL, URL).send_all(tasks)

    assert list(failures) == [tasks[3].key, tasks[9].key, tasks[11].key]
    assert all(isinstance(error, NotTaken) and str(error) == "InternalError: try again" for error in failures.values())


def test_a_request_that_fails_is_that_of_its_messages_alone(task: TaskEntity) -> None:
    tasks = several(task, 12)
    with stubbed("sqs") as (client, stub):
        stub.add_client_error("send_message_batch", "ServiceUnavailable")
        stub.add_response("send_message_batch", {"Successful": [], "Failed": []})

        failures = TaskQueue(client, URL, URL).send_all(tasks)

    assert list(failures) == [task.key for task in tasks[:10]]


@pytest.mark.parametrize(("sink", "topic"), [(StatusTopic, STATUS), (AlarmTopic, ALARM)])
def test_a_topic_says_what_it_did_not_take(task: TaskEntity, sink: Any, topic: str) -> None:
    error = json.dumps({"type": "ValueError", "message": "no"})
    tasks = several(task, 3, status=TaskStatus.FAILED, attributes={"error": error})
    with stubbed("sns") as (client, stub):
        stub.add_response("publish_batch", refusing(1), {"TopicArn": topic, "PublishBatchRequestEntries": ANY})

        failures = sink(client, SETTINGS).publish(tasks)

    assert list(failures) == [tasks[1].key]


def test_the_event_bus_says_what_it_did_not_take_by_its_position(task: TaskEntity) -> None:
    # GIVEN a bus that takes ten with a request, and not the second and the last
    refused = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
    tasks = several(task, 12)
    requests: list[list[dict[str, Any]]] = []

    class Client:
        def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 (AWS's name)
            requests.append(Entries)
            places = [{"EventId": "1"} for _ in Entries]
            places[1] = refused
            return {"FailedEntryCount": 1, "Entries": places}

    failures = EventBus(Client(), SETTINGS).publish(tasks)

    assert [len(entries) for entries in requests] == [10, 2]
    assert list(failures) == [tasks[1].key, tasks[11].key]
    assert all(
        isinstance(error, NotTaken) and str(error) == "InternalFailure: try again" for error in failures.values()
    )


def test_an_event_is_one_that_the_client_takes(task: TaskEntity) -> None:
    with stubbed("events") as (client, stub):
        expected = {
            "EventBusName": "ours",
            "Source": "serverless-tasks",
            "DetailType": "Task status",
            "Time": AT,
            "Detail": ANY,
        }
        stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, {"Entries": [expected]})

        assert EventBus(client, SETTINGS).publish([replace(task, updated_at=AT)]) == {}


def test_an_answer_that_names_too_few_is_no_success(task: TaskEntity) -> None:
    with stubbed("events") as (client, stub):
        stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, {"Entries": ANY})

        failures = EventBus(client, SETTINGS).publish(several(task, 2))

    assert len(failures) == 2


def test_a_foreign_time_keeps_no_other_event(task: TaskEntity) -> None:
    foreign, ours = several(task, 2)
    with stubbed("events") as (client, stub):
        stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, {"Entries": ANY})

        failures = EventBus(client, SETTINGS).publish([replace(foreign, updated_at="soon"), ours])

    assert list(failures) == [foreign.key]
