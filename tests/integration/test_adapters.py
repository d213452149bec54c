"""Queue, bucket, state machine and topics: limits, repetitions, and what is missing."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from serverless_tasks import PayloadMissing, TaskEntity
from serverless_tasks.adapters.executions import Executions
from serverless_tasks.adapters.payloads import PayloadStore
from serverless_tasks.adapters.queue import TaskQueue

from tests.support.clients import driver_client
from tests.support.moto_stack import MotoStack
from tests.support.stubs import stubbed

URL = "https://sqs.eu-central-1.amazonaws.com/1/tasks"
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:fan-out"
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:fan-out"


@pytest.fixture
def task(stack: MotoStack) -> TaskEntity:
    with stack.calls.unheard():
        return stack.service.create_step_function_task("mbc", "cat", [1])


@pytest.mark.parametrize(("wanted", "asked"), [(0, 0), (-5, 0), (0.2, 1), (30, 30), (43_199.5, 43_200), (1e9, 43_200)])
def test_a_message_is_hidden_for_whole_seconds_within_the_limit(wanted: float, asked: int) -> None:
    with stubbed("sqs") as (client, stub):
        stub.add_response(
            "change_message_visibility", {}, {"QueueUrl": URL, "ReceiptHandle": "handle", "VisibilityTimeout": asked}
        )

        TaskQueue(client, URL, URL).hide({"receiptHandle": "handle"}, wanted)


@pytest.mark.parametrize(("record", "body"), [({"body": "as it came"}, "as it came"), ({"body": ""}, " "), ({}, " ")])
def test_any_body_is_set_aside_with_its_reason(stack: MotoStack, record: dict[str, Any], body: str) -> None:
    with stack.calls.of("queue"):
        stack.cloud("QueueFunction").queue.set_aside(record, "the reason")

    assert stack.dead_letters() == [(body, "the reason")]


def test_a_message_has_keys_only_and_its_tenant_as_group(stack: MotoStack) -> None:
    task = stack.service.create_task("mbc", "cat", "secret")

    stack.relay_one()

    [call] = stack.calls.of_service("sqs")
    expected = {"v": 1, "action": "task-execute", "pk": task.pk, "sk": task.sk, "kind": "TASK"}
    assert call.params["MessageGroupId"] == "mbc"
    assert json.loads(call.params["MessageBody"]) == {**expected, "tenantCode": "mbc", "taskType": "cat", "run": 0}


def test_an_execution_is_started_once_and_known_for_ever(stack: MotoStack, task: TaskEntity) -> None:
    executions = stack.cloud("SweeperFunction").executions
    with stack.calls.of("sweeper"):
        # GIVEN none
        assert executions.is_running(task) is None

        # WHEN it is started, again, and after its end
        arn = executions.start(task)
        assert executions.is_running(task) is True
        again = executions.start(task)
        driver_client("stepfunctions").stop_execution(executionArn=arn)
        late = executions.start(task)

        # THEN it is the same one, and has ended
        assert arn == again == late
        assert arn.endswith(f":execution:tests-fan-out:{task.code}")
        assert executions.is_running(task) is False


def test_a_retry_is_another_execution(stack: MotoStack, task: TaskEntity) -> None:
    with stack.calls.of("relay"):
        arn = stack.cloud("RelayFunction").executions.start(replace(task, run=2))

    assert arn.endswith(f":execution:tests-fan-out:{task.code}-2")
    started = driver_client("stepfunctions").describe_execution(executionArn=arn)
    assert json.loads(started["input"]) == {"pk": task.pk, "sk": task.sk, "run": 2}


def test_a_missing_execution_can_be_stopped(stack: MotoStack, task: TaskEntity) -> None:
    with stack.calls.of("relay"):
        stack.cloud("RelayFunction").executions.stop(task)


@pytest.mark.parametrize(
    ("operation", "method"),
    [("start_execution", "start"), ("stop_execution", "stop"), ("describe_execution", "is_running")],
)
def test_another_fault_of_step_functions_comes_through(task: TaskEntity, operation: str, method: str) -> None:
    with stubbed("stepfunctions") as (client, stub):
        stub.add_client_error(operation, "ThrottlingException")

        with pytest.raises(ClientError, match="Throttling"):
            getattr(Executions(client, MACHINE), method)(task)


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE", "RUNNING"])
def test_only_a_running_execution_runs(task: TaskEntity, status: str) -> None:
    with stubbed("stepfunctions") as (client, stub):
        answer = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "startDate": 0, "status": status}
        stub.add_response("describe_execution", answer, {"executionArn": f"{EXECUTION}:{task.code}"})

        assert Executions(client, MACHINE).is_running(task) is (status == "RUNNING")


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied", "PreconditionFailed"])
def test_an_object_that_is_not_there_as_it_was_written_is_missing(code: str) -> None:
    with stubbed("s3") as (client, stub):
        stub.add_client_error("get_object", code)

        with pytest.raises(PayloadMissing, match="the bucket has no payloads/x as it was written"):
            PayloadStore(client, "bucket").load({"key": "payloads/x", "etag": '"e"'})


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "NoSuchBucket", "InvalidRange"])
def test_another_fault_of_s3_comes_through(code: str) -> None:
    with stubbed("s3") as (client, stub):
        stub.add_client_error("get_object", code)

        with pytest.raises(ClientError, match=code):
            list(PayloadStore(client, "bucket").lines({"key": "payloads/x", "etag": '"e"'}))


def test_an_object_is_read_as_it_was_written_or_not_at_all(stack: MotoStack) -> None:
    payloads = stack.cloud("QueueFunction").payloads
    with stack.calls.of("queue"):
        reference = payloads.put("payloads/mbc/code/x", '"first"')
        assert payloads.load(reference) == "first"

        payloads.put("payloads/mbc/code/x", '"second"')
        with pytest.raises(PayloadMissing):
            payloads.load(reference)
        with pytest.raises(PayloadMissing):
            payloads.load({**reference, "key": "payloads/mbc/code/y"})


@pytest.mark.parametrize("lines", [[], ["1"], ["é" * 40_000, "", "\u2028", "x" * 65_535, "y" * 65_536, "z"]])
def test_lines_are_found_by_their_offsets(stack: MotoStack, lines: list[str]) -> None:
    payloads = stack.cloud("QueueFunction").payloads
    with stack.calls.of("queue"):
        reference = payloads.put("payloads/mbc/code/x", "".join(f"{line}\n" for line in lines))
        offsets = payloads.line_offsets(reference)

        assert list(payloads.lines(reference)) == lines
        for number, line in enumerate(lines):
            assert list(payloads.lines(reference, offsets[number], offsets[number + 1])) == [line]
    assert (len(offsets), offsets[-1]) == (len(lines) + 1, reference["bytes"])


def test_a_link_is_signed_and_ends(stack: MotoStack) -> None:
    link = stack.cloud("ApiFunction").payloads.link({"key": "payloads/mbc/code/a b"})

    assert link.startswith("https://payloads.s3")
    assert "/payloads/mbc/code/a%20b?X-Amz-Algorithm=AWS4-HMAC-SHA256&" in link
    assert "X-Amz-Expires=900" in link


def test_the_topics_are_told_with_attributes_to_filter_by(stack: MotoStack) -> None:
    task = stack.run(stack.service.create_task("mbc", "nobodys", 1).key)

    [status], [alarm] = stack.topics.heard("statuses"), stack.topics.heard("alarms")
    error = {"type": "NoHandler", "message": "no handler for task type 'nobodys'"}
    expected = {"action": "task-status", "status": "FAILED", "kind": "TASK", "taskType": "nobodys"}
    assert status["attributes"] == expected
    assert status["body"]["content"] == {"status": "FAILED", "attributes": {"error": error}}
    assert (status["body"]["id"], status["body"]["table"]) == (task.id, "tasks")
    assert alarm["attributes"] == {"action": "sfn-alarm"}
    assert alarm["body"]["content"] == {"errorMessage": "NoHandler: no handler for task type 'nobodys'"}
