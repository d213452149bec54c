"""What goes to the dead-letter queue: all of a message that SQS takes beside the reason."""

from base64 import b64encode
from typing import Any

import pytest
from serverless_tasks.adapters.queue import MOST_BYTES, dead_letter_message

from tests.support.clients import driver_client
from tests.support.moto_stack import MotoStack

REASON = {"DataType": "String", "StringValue": "odd"}
REASON_BYTES = len("reason" + "String" + "odd")


def as_lambda_gives(kind: str, **value: str) -> dict[str, Any]:
    return {"stringListValues": [], "binaryListValues": [], "dataType": kind, **value}


def size(message: dict[str, Any]) -> int:
    """What SQS counts: the body, and name, type and value of each attribute."""
    total = len(message["MessageBody"].encode())
    for name, given in message["MessageAttributes"].items():
        value = given.get("StringValue", "").encode() or given["BinaryValue"]
        total += len(name.encode()) + len(given["DataType"]) + len(value)
    return total


def test_a_message_keeps_its_group_and_its_attributes() -> None:
    record = {
        "body": "b",
        "attributes": {"MessageGroupId": "mbc", "SentTimestamp": "1"},
        "messageAttributes": {
            "trace": as_lambda_gives("String", stringValue="1-2"),
            "number": as_lambda_gives("Number.int", stringValue="7"),
            "bytes": as_lambda_gives("Binary", binaryValue=b64encode(b"\x00\x01").decode()),
            "reason": as_lambda_gives("String", stringValue="an earlier one"),
        },
    }

    assert dead_letter_message(record, "odd") == {
        "MessageBody": "b",
        "MessageGroupId": "mbc",
        "MessageAttributes": {
            "trace": {"DataType": "String", "StringValue": "1-2"},
            "number": {"DataType": "Number.int", "StringValue": "7"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
            "reason": REASON,
        },
    }


def test_a_message_has_ten_attributes_at_most_and_the_reason_is_one() -> None:
    own = {f"a{number}": as_lambda_gives("String", stringValue="x") for number in range(10)}

    kept = dead_letter_message({"body": "b", "messageAttributes": own}, "odd")["MessageAttributes"]

    assert len(kept) == 10
    assert kept["reason"] == REASON


def test_a_message_that_fits_is_not_cut() -> None:
    body = "b" * (MOST_BYTES - REASON_BYTES)

    message = dead_letter_message({"body": body}, "odd")

    assert message == {"MessageBody": body, "MessageAttributes": {"reason": REASON}}
    assert size(message) == MOST_BYTES


@pytest.mark.parametrize("character", ["b", "é", "😺"])
def test_a_message_that_does_not_fit_is_cut_and_says_so(character: str) -> None:
    body = character * ((MOST_BYTES - REASON_BYTES) // len(character.encode()) + 1)

    message = dead_letter_message({"body": body}, "odd")

    length = len(body.encode())
    assert message["MessageAttributes"]["reason"]["StringValue"] == f"odd; the body had {length} bytes and is cut"
    assert body.startswith(message["MessageBody"])
    assert MOST_BYTES - 4 < size(message) <= MOST_BYTES


def test_attributes_that_leave_no_room_are_dropped_and_not_the_body() -> None:
    own = {"big": as_lambda_gives("String", stringValue="x" * (MOST_BYTES - 100))}

    assert dead_letter_message({"body": "b", "messageAttributes": own}, "odd") == {
        "MessageBody": "b",
        "MessageAttributes": {"reason": REASON},
    }


def test_the_largest_message_is_dead_lettered(stack: MotoStack) -> None:
    with stack.calls.of("queue"):
        record = {"body": "b" * MOST_BYTES, "attributes": {"MessageGroupId": "mbc"}}
        stack.cloud("QueueFunction").queue.dead_letter(record, "the body is not JSON")

    [message] = driver_client("sqs").receive_message(
        QueueUrl=stack.resources.name("DeadLetterQueue"), AttributeNames=["All"]
    )["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "mbc"
    assert 1_048_000 < len(message["Body"]) < MOST_BYTES
