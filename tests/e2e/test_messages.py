"""Messages of the topics; foreign messages and items, which hold nothing up."""

import json
import time
import uuid

import pytest
from ulid import ULID

from tests.support.planted import put


class Subscriber:
    """A queue of its own that listens to a topic."""

    def __init__(self, tasks, topic_arn):
        self._sqs = tasks.cloud.client("sqs")
        self._tasks = tasks
        self._url = self._sqs.create_queue(QueueName=f"listener-{uuid.uuid4().hex}")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        raw = {"RawMessageDelivery": "true"}
        tasks.cloud.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes=raw)
        self._heard = []

    def about(self, task):
        """The first message about the task, and its attributes."""
        return self._tasks.until(lambda: self._receive(task), f"a message about {task['id']}")

    def all_about(self, task):
        self.about(task)
        return [body for body, _ in self._heard if body["id"] == task["id"]]

    def _receive(self, task):
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        for message in answer.get("Messages", []):
            attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
            self._heard.append((json.loads(message["Body"]), attributes))
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return next((pair for pair in self._heard if pair[0]["id"] == task["id"]), None)


def status_message(tasks, task):
    return {
        "action": "task-status",
        "pk": task["pk"],
        "sk": task["sk"],
        "table": tasks.cloud.stack["tableName"],
        "id": task["id"],
        "tenantCode": task["tenantCode"],
        "run": task["run"],
        "version": task["version"],
        "updatedAt": task["updatedAt"],
        "content": {"status": task["status"], "attributes": task["attributes"]},
    }


def test_the_topics_get_the_end(tasks):
    """GIVEN subscribers to both topics; WHEN tasks of both kinds end; THEN each end is published, once."""
    statuses = Subscriber(tasks, tasks.cloud.stack["statusTopicArn"])
    alarms = Subscriber(tasks, tasks.cloud.stack["alarmTopicArn"])
    fine, broken = {"do": "echo"}, {"do": "fail", "message": "the milk is sour"}
    created = [
        tasks.create("once", fine),
        tasks.create("once", broken),
        tasks.fan_out("once", [fine]),
        tasks.fan_out("once", [fine, broken]),
    ]
    held = tasks.create("probe", {"do": "hold"})
    tasks.wait(held, "PROCESSING")
    assert tasks.cancel(held).status == 200
    for task in [tasks.wait(task) for task in [*created, held]]:
        message, attributes = statuses.about(task)
        assert message == status_message(tasks, task)
        assert attributes == {
            "action": "task-status",
            "status": task["status"],
            "kind": task["kind"],
            "taskType": task["type"],
        }
        assert len(statuses.all_about(task)) == 1
        if task["status"] == "FAILED":
            error = task["attributes"]["error"]
            assert alarms.about(task)[0] == {
                "action": "sfn-alarm",
                "id": task["id"],
                "table": tasks.cloud.stack["tableName"],
                "pk": task["pk"],
                "sk": task["sk"],
                "tenantCode": "mbc",
                "content": {"errorMessage": f"{error['type']}: {error['message']}"},
            }
    alarmed = {body["id"] for body, _ in alarms._heard}
    assert alarmed & {task["id"] for task in created} == {created[1]["id"], created[3]["id"]}


def message_for(key, **changes):
    standard = {"v": 1, "action": "task-execute", "kind": "TASK", "tenantCode": "mbc", "taskType": "cat", "run": 0}
    return json.dumps({**standard, "pk": "TASK#mbc", "sk": f"cat#{key}", **changes})


MALFORMED = {
    "this is no JSON": "the body is not JSON",
    "[1, 2]": "the body is not a JSON object",
    message_for(ULID(), v=99): "v must be",
    message_for(ULID(), action="task-delete"): "action must be",
    message_for("no-code"): "sk must be",
    message_for(ULID(), pk="SFN_TASK#mbc"): "pk must be",
    message_for(ULID(), run="first"): "run must be",
    message_for(ULID()): "there is no such task",
}


@pytest.mark.parametrize("marker", [{}, {"MessageGroupId": "mbc"}], ids=["ungrouped", "in the tenant's group"])
def test_what_can_never_be_processed_is_dead_lettered(tasks, marker):
    """GIVEN messages that are none of ours; WHEN they come; THEN they become dead letters, and tasks go on."""
    sqs, stack = tasks.cloud.client("sqs"), tasks.cloud.stack
    for body in MALFORMED:
        sqs.send_message(QueueUrl=stack["taskQueueUrl"], MessageBody=body, **marker)
    task = tasks.create("cat", {"key": "behind them"})
    assert tasks.wait(task)["status"] == "COMPLETED"
    reasons = {}

    def all_are_there():
        options = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"], "VisibilityTimeout": 30}
        for message in sqs.receive_message(QueueUrl=stack["deadLetterQueueUrl"], **options).get("Messages", []):
            reasons[message["Body"]] = message["MessageAttributes"]["reason"]["StringValue"]
            sqs.delete_message(QueueUrl=stack["deadLetterQueueUrl"], ReceiptHandle=message["ReceiptHandle"])
        return reasons.keys() >= MALFORMED.keys()

    tasks.until(all_are_there, "all malformed messages are dead letters")
    for body, reason in MALFORMED.items():
        assert reason in reasons[body]


def test_foreign_records_in_the_stream_are_ignored(tasks):
    """GIVEN items that pass the filter but are no tasks; WHEN they come; THEN the log says so and tasks go on."""
    began = time.time()
    mark = uuid.uuid4().hex
    foreign = {"kind": "TASK", "change": "status", "status": "CREATED"}
    named = {"code": "no code", "type": "cat", "name": "cat", "tenantCode": "mbc"}
    put(tasks.cloud, {"pk": f"FOREIGN#{mark}", "sk": "1", **foreign})
    put(tasks.cloud, {"pk": "TASK#mbc", "sk": f"foreign {mark}", **foreign, **named})
    put(tasks.cloud, {"pk": f"FOREIGN#{mark}", "sk": "2", **foreign, **named, "kind": "SFN_TASK", "history": 7})
    task = tasks.create("cat", {"key": "after them"})
    assert tasks.wait(task)["status"] == "COMPLETED"

    def ignored():
        lines = tasks.log_lines("RelayFunction", began)
        return sum("ignored a foreign record" in line for line in lines) >= 3

    tasks.until(ignored, "the relay has ignored three records")


def test_foreign_items_in_the_table_are_ignored(tasks):
    """GIVEN foreign items, even in our indexes; WHEN tasks are listed; THEN they are not among them."""
    mark = uuid.uuid4().hex
    code = str(ULID())
    put(tasks.cloud, {"pk": f"FOREIGN#{mark}", "sk": "1", "kind": "INVOICE"})
    put(tasks.cloud, {"pk": f"FOREIGN#{mark}", "sk": "2", "tenantCode": "mbc", "code": code})
    put(tasks.cloud, {"pk": "TASK#mbc", "sk": f"cat#{mark}", "tenantCode": "mbc", "code": f"{code}0", "kind": "TASK"})
    task = tasks.run("cat", {"key": 1})
    for filters in ({}, {"kind": "TASK"}, {"kind": "TASK", "taskType": "cat"}, {"status": "COMPLETED"}):
        listed = tasks.call("GET", "/tasks?limit=100&" + "&".join(f"{name}={value}" for name, value in filters.items()))
        assert listed.status == 200, listed
        assert task["code"] in [item["code"] for item in listed.body["items"]]
        assert mark not in json.dumps(listed.body)
    assert tasks.call("GET", f"/tasks/cat/{code}").status == 404
