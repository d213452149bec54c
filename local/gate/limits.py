"""What services refuse because of a size, a number or a name. The engine takes most of it. Pure.

Each check yields the code of AWS's error and what is wrong. Sources: the API references of the operations, and the
quotas of SQS, SNS, Step Functions, EventBridge and S3.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from local.gate.dynamodb.expressions import Refused, Tables, check_request

Params = Mapping[str, Any]
Problems = Iterator[tuple[str, str]]

KIB = 1024
MESSAGE_BYTES = 1024 * KIB
"""Of a message of SQS, or of all of a batch, attributes included."""
NOTIFICATION_BYTES = 256 * KIB
"""Of a message of SNS, or of all of a batch; and of the entries of one PutEvents."""
STATE_BYTES = 256 * KIB
BATCH = 10
VISIBILITY_SECONDS = 43_200
_IDS = re.compile(r"[A-Za-z0-9_-]{1,80}")
_GROUP = re.compile(r"""[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}""")
_SUBJECT = re.compile(r"[!-~][ -~]{0,99}")
_NO_TEXT = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")


def problem(service: str, operation: str, params: Params, tables: Tables) -> tuple[str, str] | None:
    """Code and message of what AWS would answer, or None. ``service``: as of :func:`local.gate.needs.needs`."""
    if service == "dynamodb":
        try:
            check_request(operation, params, tables)
        except Refused as refused:
            return "ValidationException", str(refused)
        return None
    check = _CHECKS.get((service, operation))
    return next(check(params), None) if check else None


def text_bytes(value: Any) -> int:
    """Bytes in UTF-8."""
    return len(value if isinstance(value, bytes | bytearray) else str(value).encode(errors="surrogatepass"))


def _send_message(params: Params) -> Problems:
    if not params["MessageBody"]:
        yield "MissingParameter", "The request must contain the parameter MessageBody."
    if _size(params) > MESSAGE_BYTES:
        yield (
            "InvalidParameterValue",
            f"One or more parameters are invalid. Reason: Message must be shorter than {MESSAGE_BYTES} bytes.",
        )
    if _NO_TEXT.search(params["MessageBody"]):
        yield (
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | …",
        )
    if len(params.get("MessageAttributes", {})) > BATCH:
        yield "InvalidParameterValue", "Number of message attributes exceeds the allowed maximum [10]."
    if not 0 <= params.get("DelaySeconds", 0) <= 900:
        yield "InvalidParameterValue", "Value for parameter DelaySeconds is invalid. Reason: must be between 0 and 900."
    if not _GROUP.fullmatch(params.get("MessageGroupId", "-")):
        yield (
            "InvalidParameterValue",
            "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        )


def _send_message_batch(params: Params) -> Problems:
    yield from _batch(params["Entries"], "AWS.SimpleQueueService")
    if sum(map(_size, params["Entries"])) > MESSAGE_BYTES:
        yield (
            "AWS.SimpleQueueService.BatchRequestTooLong",
            f"Batch requests cannot be longer than {MESSAGE_BYTES} bytes.",
        )
    for entry in params["Entries"]:
        yield from _send_message(entry)


def _size(message: Params) -> int:
    """Of body and attributes: names, types and values count."""
    parts = [message.get("MessageBody", message.get("Message", "")), message.get("Subject", "")]
    for name, given in message.get("MessageAttributes", {}).items():
        parts += [name, *given.values()]
    return sum(map(text_bytes, parts))


def _batch(entries: Sequence[Params], service: str) -> Problems:
    if not entries:
        yield f"{service}.EmptyBatchRequest", "The batch request doesn't contain any entries."
    if len(entries) > BATCH:
        yield f"{service}.TooManyEntriesInBatchRequest", f"Maximum number of entries per request are {BATCH}."
    ids = [entry["Id"] for entry in entries]
    if len(set(ids)) < len(ids):
        yield f"{service}.BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."
    if any(not _IDS.fullmatch(each) for each in ids):
        yield (
            f"{service}.InvalidBatchEntryId",
            "A batch entry id has alphanumeric characters, hyphens and underscores, at most 80.",
        )


def _change_visibility(params: Params) -> Problems:
    # The twelve hours begin when the message is received, which was before this call: all of them are too many.
    if not 0 <= params["VisibilityTimeout"] < VISIBILITY_SECONDS:
        yield (
            "InvalidParameterValue",
            f"Value {params['VisibilityTimeout']} for parameter VisibilityTimeout is invalid. "
            f"Reason: Total VisibilityTimeout for the message is beyond the limit [{VISIBILITY_SECONDS} seconds].",
        )


def _receive_message(params: Params) -> Problems:
    limits = {"MaxNumberOfMessages": (1, 10), "WaitTimeSeconds": (0, 20), "VisibilityTimeout": (0, VISIBILITY_SECONDS)}
    for name, (least, most) in limits.items():
        if not least <= params.get(name, least) <= most:
            yield (
                "InvalidParameterValue",
                f"Value for parameter {name} is invalid. Reason: Must be between {least} and {most}.",
            )


def _publish(params: Params) -> Problems:
    if not params["Message"]:
        yield "InvalidParameter", "Invalid parameter: Empty message"
    if _size(params) > NOTIFICATION_BYTES:
        yield "InvalidParameter", "Invalid parameter: Message too long"
    if not _SUBJECT.fullmatch(params.get("Subject", "-")):
        yield (
            "InvalidParameter",
            "Invalid parameter: Subject: at most 100 ASCII characters, none of control, and no space first",
        )


def _publish_batch(params: Params) -> Problems:
    entries = params["PublishBatchRequestEntries"]
    for code, said in _batch(entries, "-"):
        yield code.removeprefix("-."), said
    if sum(map(_size, entries)) > NOTIFICATION_BYTES:
        yield "BatchRequestTooLong", "The length of all the batch messages put together is more than the limit."
    for entry in entries:
        yield from _publish(entry)


def _start_execution(params: Params) -> Problems:
    if text_bytes(params.get("input", "")) > STATE_BYTES:
        yield "ValidationException", f"Value at 'input' failed to satisfy constraint: at most {STATE_BYTES} bytes"
    if not _NAME.fullmatch(params.get("name", "-")):
        yield "InvalidName", f"Invalid Name: '{params['name']}'"


def _put_events(params: Params) -> Problems:
    entries = params["Entries"]
    if not 0 < len(entries) <= BATCH:
        yield "ValidationException", f"Value at 'entries' failed to satisfy constraint: 1 to {BATCH} entries"
    names = ("Source", "DetailType", "Detail")
    if sum(text_bytes(entry.get(name, "")) for entry in entries for name in names) > NOTIFICATION_BYTES:
        yield "ValidationException", "Total size of the entries in the request is over the limit."


def _object(params: Params) -> Problems:
    if not 0 < text_bytes(params["Key"]) <= KIB:
        yield "KeyTooLongError", "Your key is too long"
    if sum(text_bytes(part) for pair in params.get("Metadata", {}).items() for part in pair) > 2 * KIB:
        yield "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"


_CHECKS: dict[tuple[str, str], Callable[[Params], Problems]] = {
    ("sqs", "SendMessage"): _send_message,
    ("sqs", "SendMessageBatch"): _send_message_batch,
    ("sqs", "ChangeMessageVisibility"): _change_visibility,
    ("sqs", "ReceiveMessage"): _receive_message,
    ("sns", "Publish"): _publish,
    ("sns", "PublishBatch"): _publish_batch,
    ("states", "StartExecution"): _start_execution,
    ("events", "PutEvents"): _put_events,
    ("s3", "PutObject"): _object,
    ("s3", "GetObject"): _object,
    ("s3", "HeadObject"): _object,
    ("s3", "DeleteObject"): _object,
}
