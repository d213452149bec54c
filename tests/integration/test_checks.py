"""The checks that every integration test runs under do refuse what AWS would."""

from typing import Any

import pytest
from serverless_tasks import TaskStatus, TaskType
from serverless_tasks.core.dynamodb.expressions import Update, exists

from tests.support.clients import worker_client
from tests.support.moto_stack import MotoStack
from tests.support.played import matches
from tests.support.stacks import single

PARENT = {"pk": {"S": "SFN_TASK#mbc"}, "sk": {"S": "cat#0"}}
CHUNK = {"pk": {"S": "SUB_TASK#mbc#0"}, "sk": {"S": "000000"}}
FORBIDDEN: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "api": ("sqs", "send_message", {"QueueUrl": "TaskQueue", "MessageBody": "x"}, "sqs:SendMessage"),
    "relay": ("dynamodb", "get_item", {"TableName": "tasks", "Key": PARENT}, "dynamodb:GetItem"),
    "queue": ("sqs", "send_message", {"QueueUrl": "TaskQueue", "MessageBody": "x"}, "sqs:SendMessage"),
    "sweeper": ("dynamodb", "get_item", {"TableName": "tasks", "Key": CHUNK}, "SUB_TASK#mbc#0"),
    "plan": ("s3", "put_object", {"Bucket": "payloads", "Key": "payloads/x"}, "s3:PutObject"),
    "chunk": ("s3", "get_object", {"Bucket": "payloads", "Key": "others/x"}, "s3:GetObject"),
    "finish": ("dynamodb", "put_item", {"TableName": "tasks", "Item": PARENT}, "dynamodb:PutItem"),
}


@pytest.mark.parametrize("function", FORBIDDEN)
def test_a_call_that_the_policy_does_not_grant_fails_the_test(function: str) -> None:
    service, operation, params, action = FORBIDDEN[function]
    with MotoStack() as stack:
        given = {**params, "QueueUrl": stack.resources.name("TaskQueue")} if service == "sqs" else params
        stack.calls.before.append(_stop)
        with stack.calls.of(function), pytest.raises(InterruptedError):
            getattr(worker_client(service), operation)(**given)
        errors, stack.calls.wrong = stack.calls.wrong, []

    assert any(isinstance(error, PermissionError) and action in str(error) for error in errors)


def test_an_expression_that_dynamodb_refuses_fails_the_test() -> None:
    overlapping = Update(
        "TASK#mbc", "cat#0", set={"attributes": {}, "attributes.progress": 1}, conditions=(exists("pk"),)
    )
    stack = MotoStack().__enter__()
    stack.calls.before.append(_stop)
    with stack.calls.of("queue"), pytest.raises(InterruptedError):
        stack.cloud("QueueFunction").table.update(overlapping)

    with pytest.raises(ExceptionGroup, match="AWS would have refused"):
        stack.__exit__()


def test_what_is_right_passes() -> None:
    TaskType("cat").task(lambda event, context: None)
    with MotoStack() as stack:
        single(stack)

    assert stack.calls.made
    assert stack.calls.wrong == []


@pytest.mark.parametrize(
    ("kind", "change", "passes"),
    [
        ({"S": "TASK"}, {"S": "status"}, True),
        ({"S": "SFN_TASK"}, {"S": "status"}, True),
        ({"S": "TASK"}, {"S": "data"}, False),
        ({"S": "CHUNK"}, {"S": "status"}, False),
        ({"N": "1"}, {"S": "status"}, False),
        (None, {"S": "status"}, False),
    ],
)
@pytest.mark.parametrize("published", ["terminal", "all", "none"])
def test_the_stream_s_filter_lets_status_changes_of_parents_through(
    published: str, kind: object, change: object, passes: bool
) -> None:
    image = {"kind": kind, "change": change, "status": {"S": "CREATED"}}

    with MotoStack(StatusMessages=published) as stack:
        [pattern] = stack.resources.stream_filters("RelayFunction")

    assert matches(pattern, {"eventName": "MODIFY", "dynamodb": {"NewImage": image}}) is passes


@pytest.mark.parametrize("published", ["terminal", "all", "none"])
def test_the_stream_s_filter_lets_the_statuses_through_that_the_relay_acts_on(published: str) -> None:
    with MotoStack(StatusMessages=published) as stack:
        [pattern] = stack.resources.stream_filters("RelayFunction")
        relayed = stack.resources.settings("RelayFunction").relayed

    for status in TaskStatus:
        image = {"kind": {"S": "TASK"}, "change": {"S": "status"}, "status": {"S": status.value}}
        assert matches(pattern, {"eventName": "MODIFY", "dynamodb": {"NewImage": image}}) is (status in relayed)


def test_a_deletion_does_not_reach_the_relay(stack: MotoStack) -> None:
    [pattern] = stack.resources.stream_filters("RelayFunction")

    assert not matches(pattern, {"eventName": "REMOVE", "dynamodb": {"OldImage": {"kind": {"S": "TASK"}}}})


def _stop(_call: object) -> None:
    raise InterruptedError
