"""Queue, bucket, state machine and topics: limits, repetitions, and what is missing."""

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError
from serverless_tasks import PayloadMissing, TaskEntity
from serverless_tasks.adapters.executions import Executions
from serverless_tasks.adapters.payloads import PayloadStore
from serverless_tasks.adapters.queue import TaskQueue

from tests.support.calls import Call
from tests.support.clients import driver_client
from tests.support.moto_stack import MotoStack
from tests.support.permissions import missing
from tests.support.stubs import stubbed

URL = "https://sqs.eu-central-1.amazonaws.com/1/tasks"
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:fan-out"
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:fan-out"


@pytest.fixture
def task(stack: MotoStack) -> TaskEntity:
    with stack.calls.unheard():
        return stack.service.create_step_function_task("mbc", "cat", [1])


@pytest.mark.parametrize(("wanted", "asked"), [(0, 0), (-5, 0), (0.2, 1), (30, 30), (42_299.5, 42_300), (1e9, 42_300)])
def test_a_message_is_hidden_for_whole_seconds_within_the_limit(wanted: float, asked: int) -> None:
    with stubbed("sqs") as (client, stub):
        stub.add_response(
            "change_message_visibility", {}, {"QueueUrl": URL, "ReceiptHandle": "handle", "VisibilityTimeout": asked}
        )

        TaskQueue(client, URL, URL).hide({"receiptHandle": "handle"}, wanted)


@pytest.mark.parametrize(("record", "body"), [({"body": "as it came"}, "as it came"), ({"body": ""}, " "), ({}, " ")])
def test_any_body_is_dead_lettered_with_its_reason(stack: MotoStack, record: dict[str, Any], body: str) -> None:
    with stack.calls.of("queue"):
        stack.cloud("QueueFunction").queue.dead_letter(record, "the reason")

    assert stack.dead_letters() == [(body, "the reason")]


def test_a_message_has_keys_only_and_its_tenant_as_group(stack: MotoStack) -> None:
    task = stack.service.create_task("mbc", "cat", "secret")

    stack.relay_one()

    [call] = stack.calls.of_service("sqs")
    [entry] = call.params["Entries"]
    expected = {"v": 1, "action": "task-execute", "pk": task.pk, "sk": task.sk, "kind": "TASK"}
    assert (entry["Id"], entry["MessageGroupId"]) == ("0", "mbc")
    assert json.loads(entry["MessageBody"]) == {**expected, "tenantCode": "mbc", "taskType": "cat", "run": 0}


def test_without_fair_queue_a_message_has_no_group() -> None:
    with MotoStack(FairQueue="false") as stack:
        stack.service.create_task("mbc", "cat", "secret")

        stack.relay_one()

        [call] = stack.calls.of_service("sqs")
    [entry] = call.params["Entries"]
    assert sorted(entry) == ["Id", "MessageBody"]


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
@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ValidationException", "InvalidArn"])
def test_another_fault_of_step_functions_comes_through(
    task: TaskEntity, operation: str, method: str, code: str
) -> None:
    with stubbed("stepfunctions") as (client, stub):
        stub.add_client_error(operation, code)

        with pytest.raises(ClientError, match=code):
            getattr(Executions(client, MACHINE), method)(task)


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE", "RUNNING"])
def test_only_a_running_execution_runs(task: TaskEntity, status: str) -> None:
    with stubbed("stepfunctions") as (client, stub):
        answer = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "startDate": 0, "status": status}
        stub.add_response("describe_execution", answer, {"executionArn": f"{EXECUTION}:{task.code}"})

        assert Executions(client, MACHINE).is_running(task) is (status == "RUNNING")


@pytest.mark.parametrize("code", ["NoSuchKey", "InvalidRange"])
def test_an_object_that_is_not_there_as_it_was_written_is_missing(code: str) -> None:
    with stubbed("s3") as (client, stub):
        stub.add_client_error("get_object", code)

        with pytest.raises(PayloadMissing, match="the bucket has no payloads/x as it was written"):
            PayloadStore(client, "bucket").load({"key": "payloads/x", "bytes": 1, "etag": '"e"'})


@pytest.mark.parametrize(
    "code", ["SlowDown", "InternalError", "NoSuchBucket", "AccessDenied", "KMS.DisabledException", "ExpiredToken"]
)
def test_another_fault_of_s3_comes_through(code: str) -> None:
    with stubbed("s3") as (client, stub):
        stub.add_client_error("get_object", code)

        with pytest.raises(ClientError, match=code):
            list(PayloadStore(client, "bucket").lines({"key": "payloads/x", "bytes": 1, "etag": '"e"'}))


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


@pytest.mark.parametrize("lines", [[], ["1"], ["é" * 40_000, "", "\u2028\r", "x" * 65_535, "y" * 65_536, "z"]])
def test_lines_and_ranges_are_read_as_they_were_written(stack: MotoStack, lines: list[str]) -> None:
    payloads = stack.cloud("QueueFunction").payloads
    body = "".join(f"{line}\n" for line in lines)
    with stack.calls.of("queue"):
        reference = payloads.put("payloads/mbc/code/x", body)

        assert list(payloads.lines(reference)) == lines
        assert b"".join(payloads.blocks(reference)) == body.encode()
        middle = len(body.encode()) // 2
        assert b"".join(payloads.blocks(reference, middle // 2, middle)) == body.encode()[middle // 2 : middle]


def test_an_upload_is_found_with_its_size_and_etag(stack: MotoStack) -> None:
    upload = stack.service.create_upload("mbc")
    payloads = stack.cloud("ApiFunction").payloads
    with stack.calls.of("api"):
        assert payloads.find(upload.input_ref) is None

        stack.upload(upload, b"1\n2\n")
        found = payloads.find(upload.input_ref)
        assert found
        assert (found["key"], found["bytes"]) == (upload.input_ref, 4)
    with stack.calls.of("plan"):
        assert b"".join(stack.cloud("PlanFunction").payloads.blocks(found)) == b"1\n2\n"


@pytest.mark.parametrize(("code", "raises"), [("404", False), ("403", True), ("400", True), ("503", True)])
def test_one_that_may_not_be_seen_is_not_there(code: str, *, raises: bool) -> None:
    with stubbed("s3") as (client, stub):
        stub.add_client_error("head_object", code)

        with pytest.raises(ClientError) if raises else nullcontext():
            assert PayloadStore(client, "bucket").find("uploads/x") is None


@pytest.mark.parametrize(("written", "content_type"), [("jsonl", "application/x-ndjson"), ("csv", "text/csv")])
def test_an_upload_link_is_for_one_object_once(stack: MotoStack, written: str, content_type: str) -> None:
    upload = stack.service.create_upload("mbc", written)

    url = urlsplit(upload.url)
    signed = parse_qs(url.query)
    assert (url.scheme, url.path) == ("https", f"/{upload.input_ref}")
    assert url.netloc.startswith("payloads.s3")
    # What is signed has to be sent, and S3 refuses a second object under a key with If-None-Match.
    assert signed["X-Amz-SignedHeaders"] == ["content-type;host;if-none-match"]
    assert signed["X-Amz-Expires"] == ["900"]
    assert upload.headers == {"Content-Type": content_type, "If-None-Match": "*"}

    stack.upload(upload, b"1")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        stack.upload(upload, b"2")


def test_the_function_that_signs_upload_links_may_do_what_they_say(stack: MotoStack) -> None:
    put = {"Bucket": "payloads", "Key": stack.service.create_upload("mbc").input_ref}

    assert missing(Call("api", "s3", "PutObject", put), stack.resources.names) == []
    assert missing(Call("plan", "s3", "PutObject", put), stack.resources.names) != []


def test_a_link_is_signed_and_ends(stack: MotoStack) -> None:
    link = stack.cloud("ApiFunction").payloads.link({"key": "payloads/mbc/code/a b"})

    assert link.startswith("https://payloads.s3")
    assert "/payloads/mbc/code/a%20b?X-Amz-Algorithm=AWS4-HMAC-SHA256&" in link
    assert "X-Amz-Expires=900" in link


def test_the_event_bus_gets_what_the_status_topic_gets(event_loops: None) -> None:
    with MotoStack(EventBusName="default") as stack:  # which also asks whether the relay may
        tasks = [
            stack.run(stack.service.create_task("mbc", "nobodys", 1).key),
            stack.run(stack.service.create_step_function_task("mbc", "nobodys", []).key),
        ]

        put = [entry for call in stack.calls.made if call.service == "events" for entry in call.params["Entries"]]
        assert [entry["Time"] for entry in put] == [task.updated_at for task in tasks]
        assert [json.loads(entry["Detail"]) for entry in put] == [
            {**message, "kind": task.kind, "taskType": "nobodys"}
            for message, task in zip(stack.topics.statuses, tasks, strict=True)
        ]
        assert {(entry["EventBusName"], entry["Source"], entry["DetailType"]) for entry in put} == {
            ("default", "serverless-tasks", "Task status")
        }


def test_messages_of_the_topics_have_attributes_to_filter_by(stack: MotoStack) -> None:
    task = stack.run(stack.service.create_task("mbc", "nobodys", 1).key)

    [status], [alarm] = stack.topics.heard("statuses"), stack.topics.heard("alarms")
    error = {"type": "NoHandler", "message": "no handler for task type 'nobodys'"}
    expected = {"action": "task-status", "status": "FAILED", "kind": "TASK", "taskType": "nobodys"}
    assert status["attributes"] == expected
    assert status["body"]["content"] == {"status": "FAILED", "attributes": {"error": error}}
    assert (status["body"]["id"], status["body"]["table"]) == (task.id, "tasks")
    assert alarm["attributes"] == {"action": "sfn-alarm"}
    assert alarm["body"]["content"] == {"errorMessage": "NoHandler: no handler for task type 'nobodys'"}
