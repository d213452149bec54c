"""The command that shows dead letters and sends them back."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)
from moto import mock_aws
from tasks_cli import dead_letters, local_stack, profiles
from tasks_cli.dead_letters import Queues
from tasks_cli.profiles import Profile

TASK = json.dumps({"v": 1, "tenantCode": "mbc"})


@pytest.fixture
def queues(monkeypatch, home) -> Iterator[Queues]:
    """The queues of what `tasks` takes for the local cloud."""
    (home / ".local").mkdir()
    (home / ".local" / "stack.json").touch()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        sqs = boto3.client("sqs", region_name="us-east-1")
        urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("tasks", "dead-letters")]
        made = Queues(sqs, *urls)
        monkeypatch.setattr(local_stack, "read", lambda path: {})
        monkeypatch.setattr(dead_letters, "queues_here", lambda stack: made)
        yield made


def dead_letter(queues: Queues, body: str, reason: str | None) -> None:
    attributes = {"reason": {"DataType": "String", "StringValue": reason}} if reason else {}
    queues.sqs.send_message(QueueUrl=queues.dead_letter_queue_url, MessageBody=body, MessageAttributes=attributes)


def bodies(queues: Queues, url: str) -> list[tuple[str, str | None]]:
    answer = queues.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    return sorted((m["Body"], m["Attributes"].get("MessageGroupId")) for m in answer.get("Messages", []))


def test_what_is_there_is_shown_with_its_reason_and_stays(queues, tasks):
    dead_letter(queues, TASK, "there is no such task")
    dead_letter(queues, "nonsense", None)

    done = tasks("dead-letters")

    shown = done.stdout
    assert done.exit_code == 0
    assert f"there is no such task\n    {TASK}\n" in shown
    assert "received more often than the queue allows\n    nonsense\n" in shown
    assert shown.endswith("2 dead letters\n")
    assert bodies(queues, queues.task_queue_url) == []


def test_more_than_one_page_is_shown_each_once(queues, tasks):
    for number in range(25):
        dead_letter(queues, f"message {number}", "odd")

    assert tasks("dead-letters").stdout.count("message ") == 25


def test_they_are_sent_back_to_the_group_of_their_tenant(queues, tasks):
    dead_letter(queues, TASK, "there is no such task")
    dead_letter(queues, "nonsense", "the body is not JSON")

    assert "2 dead letters, 2 sent back" in tasks("dead-letters", "--send-back").stdout
    assert bodies(queues, queues.task_queue_url) == [("nonsense", "unknown"), (TASK, "mbc")]
    assert tasks("dead-letters").stdout == "0 dead letters\n"


@pytest.mark.parametrize("tenant", ["", "two words", "t" * 129, "m\u00fcnchen", 7, None, ["mbc"], {}])
def test_a_tenant_that_sqs_takes_for_no_group_goes_with_the_unknown_ones(queues, tasks, tenant):
    body = json.dumps({"tenantCode": tenant})
    dead_letter(queues, body, "odd")

    assert tasks("dead-letters", "--send-back").exit_code == 0

    assert bodies(queues, queues.task_queue_url) == [(body, "unknown")]


def test_a_message_goes_back_with_the_group_and_the_attributes_that_it_came_with(queues, tasks):
    attributes = {name: {"DataType": "String", "StringValue": name} for name in ("reason", "trace")}
    queues.sqs.send_message(
        QueueUrl=queues.dead_letter_queue_url, MessageBody=TASK, MessageAttributes=attributes, MessageGroupId="own"
    )

    tasks("dead-letters", "--send-back")

    [message] = queues.sqs.receive_message(
        QueueUrl=queues.task_queue_url, AttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "own"
    assert list(message["MessageAttributes"]) == ["trace"]


def test_one_that_sqs_does_not_take_back_is_reported_and_keeps_no_other_from_going(queues, tasks, monkeypatch):
    dead_letter(queues, "first", "odd")
    dead_letter(queues, "second", "odd")
    send = queues.sqs.send_message

    def refuse_the_first(**message):
        if message["MessageBody"] == "first":
            raise ClientError({"Error": {"Code": "InvalidParameterValue", "Message": "no"}}, "SendMessage")
        return send(**message)

    monkeypatch.setattr(queues.sqs, "send_message", refuse_the_first)

    done = tasks("dead-letters", "--send-back")

    assert done.exit_code == 1
    assert done.stderr.startswith("    not sent back: An error occurred (InvalidParameterValue)")
    assert done.stdout.endswith("2 dead letters, 1 sent back\n")
    assert bodies(queues, queues.task_queue_url) == [("second", "unknown")]


def test_programs_get_them_as_json(queues, tasks):
    dead_letter(queues, TASK, "odd")

    [shown] = json.loads(tasks("dead-letters", "--json").stdout)["items"]
    assert shown == {"reason": "odd", "body": TASK, "messageGroupId": "mbc"}


def test_a_stack_on_aws_is_found_by_its_outputs(queues, tasks, monkeypatch):
    dead_letter(queues, TASK, "odd")
    outputs = {"TaskQueueUrl": queues.task_queue_url, "DeadLetterQueueUrl": queues.dead_letter_queue_url}
    seen = []
    monkeypatch.setattr("tasks_cli.aws.outputs", lambda stack, region: seen.append((stack, region)) or outputs)

    done = tasks("dead-letters", "--stack", "tasks-dev", "--region", "us-east-1")

    assert "1 dead letters" in done.stdout
    assert seen == [("tasks-dev", "us-east-1")]


def test_a_profile_says_which_stack_it_is_of(queues, tasks, monkeypatch):
    profiles.save("dev", Profile("https://api.example.com", "token", region="us-east-1", stack_name="tasks-dev"))
    profiles.save("own", Profile("https://api.example.com", "token"))
    seen = []
    monkeypatch.setattr(dead_letters, "queues_on_aws", lambda *given: seen.append(given) or queues)

    assert tasks("dead-letters", "--profile", "dev").exit_code == 0
    assert seen == [("tasks-dev", "us-east-1")]
    assert "name it with --stack" in tasks("dead-letters", "--profile", "own").stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoCredentialsError(), 3),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks"), 3),
        (ClientError({"Error": {"Code": "ValidationError", "Message": "no"}}, "DescribeStacks"), 2),
        (NoRegionError(), 2),
        (ProfileNotFound(profile="x"), 2),
        (EndpointConnectionError(endpoint_url="https://cloudformation"), 4),
    ],
)
def test_what_aws_says_is_an_error_of_ours(tasks, monkeypatch, error, code):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(boto3, "client", refuse)
    assert tasks("dead-letters", "--stack", "tasks-dev").exit_code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ReceiveMessage"), 3),
        (EndpointConnectionError(endpoint_url="https://sqs"), 4),
    ],
)
@pytest.mark.parametrize("call", ["receive_message", "send_message"])
def test_what_the_queue_says_is_an_error_of_ours_too(queues, tasks, monkeypatch, call, error, code):
    dead_letter(queues, TASK, "odd")

    def refuse(**_):
        raise error

    monkeypatch.setattr(queues.sqs, call, refuse)
    done = tasks("dead-letters", "--send-back")
    refused_back = call == "send_message" and isinstance(error, ClientError)
    assert done.exit_code == (1 if refused_back else code)
    assert "this should not have happened" not in done.stderr


def test_a_stack_that_has_no_queues_is_another_one(tasks, monkeypatch):
    monkeypatch.setattr("tasks_cli.aws.outputs", lambda stack, region: {"BucketName": "x"})
    done = tasks("dead-letters", "--stack", "other")
    assert (done.exit_code, "has no task queue" in done.stderr) == (2, True)
