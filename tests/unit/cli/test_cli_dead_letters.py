"""The command that shows dead letters and sends them back."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tools.dead_letters import Queues, main

TASK = json.dumps({"v": 1, "tenantCode": "mbc"})


@pytest.fixture
def queues(monkeypatch) -> Iterator[Queues]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        sqs = boto3.client("sqs", region_name="us-east-1")
        urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("tasks", "dead-letters")]
        yield Queues(sqs, *urls)


def set_aside(queues: Queues, body: str, reason: str | None) -> None:
    attributes = {"reason": {"DataType": "String", "StringValue": reason}} if reason else {}
    queues.sqs.send_message(QueueUrl=queues.dead_letter_queue_url, MessageBody=body, MessageAttributes=attributes)


def bodies(queues: Queues, url: str) -> list[tuple[str, str | None]]:
    answer = queues.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    return sorted((m["Body"], m["Attributes"].get("MessageGroupId")) for m in answer.get("Messages", []))


def test_what_is_there_is_shown_with_its_reason_and_stays(queues, capsys):
    set_aside(queues, TASK, "there is no such task")
    set_aside(queues, "nonsense", None)

    assert main([], queues) == 0

    shown = capsys.readouterr().out
    assert f"there is no such task\n    {TASK}\n" in shown
    assert "received more often than the queue allows\n    nonsense\n" in shown
    assert shown.endswith("2 dead letters\n")
    assert bodies(queues, queues.task_queue_url) == []


def test_more_than_one_page_is_shown_each_once(queues, capsys):
    for number in range(25):
        set_aside(queues, f"message {number}", "odd")

    main([], queues)

    assert capsys.readouterr().out.count("message ") == 25


def test_they_are_sent_back_to_the_group_of_their_tenant(queues, capsys):
    set_aside(queues, TASK, "there is no such task")
    set_aside(queues, "nonsense", "the body is not JSON")

    main(["--send-back"], queues)

    assert "2 dead letters, 2 sent back" in capsys.readouterr().out
    assert bodies(queues, queues.task_queue_url) == [("nonsense", "unknown"), (TASK, "mbc")]
    main([], queues)
    assert capsys.readouterr().out == "0 dead letters\n"


@pytest.mark.parametrize("tenant", ["", "two words", "t" * 129, "m\u00fcnchen", 7, None, ["mbc"], {}])
def test_a_tenant_that_sqs_takes_for_no_group_goes_with_the_unknown_ones(queues, tenant):
    body = json.dumps({"tenantCode": tenant})
    set_aside(queues, body, "odd")

    assert main(["--send-back"], queues) == 0

    assert bodies(queues, queues.task_queue_url) == [(body, "unknown")]


def test_a_message_goes_back_with_the_group_and_the_attributes_that_it_came_with(queues):
    attributes = {name: {"DataType": "String", "StringValue": name} for name in ("reason", "trace")}
    queues.sqs.send_message(
        QueueUrl=queues.dead_letter_queue_url, MessageBody=TASK, MessageAttributes=attributes, MessageGroupId="own"
    )

    main(["--send-back"], queues)

    [message] = queues.sqs.receive_message(
        QueueUrl=queues.task_queue_url, AttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "own"
    assert list(message["MessageAttributes"]) == ["trace"]


def test_one_that_sqs_does_not_take_back_is_reported_and_keeps_no_other_from_going(queues, capsys, monkeypatch):
    set_aside(queues, "first", "odd")
    set_aside(queues, "second", "odd")
    send = queues.sqs.send_message

    def refuse_the_first(**message):
        if message["MessageBody"] == "first":
            raise ClientError({"Error": {"Code": "InvalidParameterValue", "Message": "no"}}, "SendMessage")
        return send(**message)

    monkeypatch.setattr(queues.sqs, "send_message", refuse_the_first)

    assert main(["--send-back"], queues) == 1

    shown = capsys.readouterr().out
    assert "first\n    not sent back: An error occurred (InvalidParameterValue)" in shown
    assert shown.endswith("2 dead letters, 1 sent back\n")
    assert bodies(queues, queues.task_queue_url) == [("second", "unknown")]
