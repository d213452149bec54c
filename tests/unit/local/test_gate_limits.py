"""Sizes, numbers and names that services refuse, and what passes at the very limit."""

import pytest

from local.gate.dynamodb.tables import Index, Table
from local.gate.engine_limits import ANSWER_BYTES, limited_answer, limited_state
from local.gate.limits import MESSAGE_BYTES, NOTIFICATION_BYTES, STATE_BYTES, problem

TABLES = {
    "tasks": Table(
        ("pk", "sk"), {"by_tenant": Index(("tenantCode", "code"), frozenset({"pk", "sk", "tenantCode", "code"}))}
    )
}


def text(value):
    return {"S": value}


def key(number=0):
    return {"pk": text("TASK#a"), "sk": text(f"cat#{number}")}


def said(service, operation, **params):
    found = problem(service, operation, params, TABLES)
    return found[0] if found else None


def entries(count, **message):
    return [{"Id": str(number), **message} for number in range(count)]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"MessageBody": "x" * MESSAGE_BYTES}, None),
        ({"MessageBody": "x" * (MESSAGE_BYTES + 1)}, "InvalidParameterValue"),
        ({"MessageBody": "é" * (MESSAGE_BYTES // 2 + 1)}, "InvalidParameterValue"),
        (
            {
                "MessageBody": "x" * MESSAGE_BYTES,
                "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"}},
            },
            "InvalidParameterValue",
        ),
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "\x00"}, "InvalidMessageContents"),
        ({"MessageBody": "a", "DelaySeconds": 900}, None),
        ({"MessageBody": "a", "DelaySeconds": 901}, "InvalidParameterValue"),
        ({"MessageBody": "a", "MessageGroupId": "mbc.de_f"}, None),
        ({"MessageBody": "a", "MessageGroupId": "two words"}, "InvalidParameterValue"),
        ({"MessageBody": "a", "MessageGroupId": "x" * 129}, "InvalidParameterValue"),
        ({"MessageBody": "a", "MessageAttributes": {str(n): {} for n in range(11)}}, "InvalidParameterValue"),
    ],
)
def test_a_message(params, code):
    assert said("sqs", "SendMessage", QueueUrl="q", **params) == code


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (entries(10, MessageBody="a"), None),
        (entries(11, MessageBody="a"), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        (entries(1, MessageBody="a") * 2, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "a"}], "AWS.SimpleQueueService.InvalidBatchEntryId"),
        (entries(2, MessageBody="x" * (MESSAGE_BYTES // 2 + 1)), "AWS.SimpleQueueService.BatchRequestTooLong"),
        (entries(1, MessageBody=""), "MissingParameter"),
    ],
)
def test_a_batch_of_messages(given, code):
    assert said("sqs", "SendMessageBatch", QueueUrl="q", Entries=given) == code


@pytest.mark.parametrize(("seconds", "code"), [(0, None), (43_199, None), (43_200, "InvalidParameterValue")])
def test_a_message_is_hidden_for_less_than_the_twelve_hours_that_began_when_it_was_received(seconds, code):
    given = {"QueueUrl": "q", "ReceiptHandle": "r", "VisibilityTimeout": seconds}
    assert said("sqs", "ChangeMessageVisibility", **given) == code


def test_what_a_queue_is_asked_for():
    assert said("sqs", "ReceiveMessage", QueueUrl="q", MaxNumberOfMessages=10, WaitTimeSeconds=20) is None
    assert said("sqs", "ReceiveMessage", QueueUrl="q", MaxNumberOfMessages=11) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Message": "x" * NOTIFICATION_BYTES}, None),
        ({"Message": "x" * NOTIFICATION_BYTES, "Subject": "s"}, "InvalidParameter"),
        ({"Message": ""}, "InvalidParameter"),
        ({"Message": "m", "Subject": "x" * 100}, None),
        ({"Message": "m", "Subject": "x" * 101}, "InvalidParameter"),
        ({"Message": "m", "Subject": "two\nlines"}, "InvalidParameter"),
        ({"Message": "m", "Subject": "ümlaut"}, "InvalidParameter"),
    ],
)
def test_a_notification(params, code):
    assert said("sns", "Publish", TopicArn="t", **params) == code
    batch = {"TopicArn": "t", "PublishBatchRequestEntries": [{"Id": "1", **params}]}
    assert (said("sns", "PublishBatch", **batch) is None) is (code is None)


def test_a_batch_of_notifications():
    large = entries(2, Message="x" * (NOTIFICATION_BYTES // 2 + 1))
    assert said("sns", "PublishBatch", PublishBatchRequestEntries=large) == "BatchRequestTooLong"
    many = entries(11, Message="x")
    assert said("sns", "PublishBatch", PublishBatchRequestEntries=many) == "TooManyEntriesInBatchRequest"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"name": "01J-a_b", "input": "x" * STATE_BYTES}, None),
        ({"input": "x" * (STATE_BYTES + 1)}, "ValidationException"),
        ({"name": "x" * 81}, "InvalidName"),
        ({"name": "a#b"}, "InvalidName"),
    ],
)
def test_an_execution(params, code):
    assert said("states", "StartExecution", stateMachineArn="m", **params) == code


def test_events_and_objects():
    event = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    assert said("events", "PutEvents", Entries=[event] * 10) is None
    assert said("events", "PutEvents", Entries=[event] * 11) == "ValidationException"
    assert said("events", "PutEvents", Entries=[{**event, "Detail": "x" * NOTIFICATION_BYTES}]) == "ValidationException"
    assert said("s3", "PutObject", Bucket="b", Key="k" * 1024) is None
    assert said("s3", "PutObject", Bucket="b", Key="é" * 513) == "KeyTooLongError"
    assert said("s3", "PutObject", Bucket="b", Key="k", Metadata={"a": "x" * 2048}) == "MetadataTooLarge"


def item(**attributes):
    return {**key(), **attributes}


@pytest.mark.parametrize(
    ("operation", "params", "refused"),
    [
        ("PutItem", {"Item": item(a=text("x" * 409_000))}, False),
        ("PutItem", {"Item": item(a=text("x" * 409_600))}, True),
        ("PutItem", {"Item": {"pk": text("a")}}, True),
        ("PutItem", {"Item": item(tenantCode=text("mbc"))}, False),
        ("PutItem", {"Item": item(tenantCode=text(""))}, True),
        ("PutItem", {"Item": item(tenantCode={"NULL": True})}, True),
        ("GetItem", {"Key": key()}, False),
        ("GetItem", {"Key": {"pk": text("a")}}, True),
        ("GetItem", {"Key": item(a=text("b"))}, True),
        ("DescribeTable", {}, False),
    ],
)
def test_an_item(operation, params, refused):
    assert (said("dynamodb", operation, TableName="tasks", **params) == "ValidationException") is refused


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({}, False),
        ({"Limit": 0}, True),
        ({"IndexName": "by_tenant"}, False),
        ({"IndexName": "by_tenant", "ConsistentRead": True}, True),
        ({"ConsistentRead": True}, False),
        ({"IndexName": "by_tenant", "ProjectionExpression": "sk, code"}, False),
        ({"IndexName": "by_tenant", "ProjectionExpression": "sk, title"}, True),
        ({"ProjectionExpression": "sk, title"}, False),
    ],
)
def test_a_query(options, refused):
    query = {"KeyConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": text("a")}}
    assert (said("dynamodb", "Query", TableName="tasks", **query, **options) is not None) is refused


def reads(*numbers):
    return {"RequestItems": {"tasks": {"Keys": [key(number) for number in numbers]}}}


def writes(*numbers):
    return {"RequestItems": {"tasks": [{"PutRequest": {"Item": key(number)}} for number in numbers]}}


def transaction(*numbers, **attributes):
    put = [{"Put": {"TableName": "tasks", "Item": {**key(number), **attributes}}} for number in numbers]
    return {"TransactItems": put}


@pytest.mark.parametrize(
    ("operation", "params", "refused"),
    [
        ("BatchGetItem", reads(*range(100)), False),
        ("BatchGetItem", reads(*range(101)), True),
        ("BatchGetItem", reads(1, 2, 1), True),
        ("BatchWriteItem", writes(*range(25)), False),
        ("BatchWriteItem", writes(*range(26)), True),
        ("BatchWriteItem", writes(1, 1), True),
        ("BatchWriteItem", writes(), True),
        ("TransactWriteItems", transaction(*range(100)), False),
        ("TransactWriteItems", transaction(*range(101)), True),
        ("TransactWriteItems", transaction(1, 1), True),
        ("TransactWriteItems", transaction(*range(10), a=text("x" * 409_000)), False),
        ("TransactWriteItems", transaction(*range(11), a=text("x" * 409_000)), True),
        ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "tasks", "Key": key()}}]}, False),
    ],
)
def test_many_items_at_once(operation, params, refused):
    assert (said("dynamodb", operation, **params) is not None) is refused


def test_of_a_table_that_is_not_in_the_template_only_its_keys_are_not_known():
    assert said("dynamodb", "GetItem", TableName="foreign", Key={"id": text("")}) is None
    assert said("dynamodb", "PutItem", TableName="foreign", Item={"id": text("x" * 409_600)}) is not None


class TooLarge(Exception):
    """As the engine raises for a state."""


@pytest.mark.parametrize(
    ("given", "output"),
    [("x" * (STATE_BYTES - 1), "y"), ("x", "y" * (STATE_BYTES - 1)), ("x", "é" * (STATE_BYTES // 2))],
)
def test_a_state_takes_and_gives_at_most_256_kib(given, output):
    state = limited_state(lambda _definition, _given, *_: (output, "Next"), TooLarge)
    with pytest.raises(TooLarge, match=r"States\.DataLimitExceeded"):
        state({}, given, {}, {})


def test_a_state_within_the_limit_goes_on():
    largest = "x" * (STATE_BYTES - 2)
    assert limited_state(lambda _definition, given, *_: (given, "Next"), TooLarge)({}, largest) == (largest, "Next")


@pytest.mark.parametrize(("size", "status"), [(ANSWER_BYTES - 2, "ok"), (ANSWER_BYTES - 1, "error")])
def test_a_function_answers_at_most_6_mb(size, status):
    invoke = limited_answer(lambda _worker, event, _request: {"status": "ok", "result": event})
    answer = invoke(None, "x" * size, "1")
    assert answer["status"] == status
    assert ("exceeded maximum allowed payload size" in answer.get("error", "")) is (status == "error")


def test_an_error_of_a_function_stays_what_it_is():
    invoke = limited_answer(lambda *_: {"status": "error", "error": "mine"})
    assert invoke(None, None) == {"status": "error", "error": "mine"}
