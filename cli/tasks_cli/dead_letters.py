"""The dead-letter queue: its messages, their reasons, and the way back to the task queue."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks_cli import aws, local_stack
from tasks_cli.errors import BadInput, CliError

LOOK_SECONDS = 30
"""A shown message is hidden from the next reader for this long."""
NO_REASON = "received more often than the queue allows"
"""The reason of a message without one: only SQS itself moves one without."""
NO_TENANT = "unknown"
"""The group of a message that names no tenant."""
GROUP = re.compile(r"[!-~]{1,128}")
"""A message group of SQS: letters, digits and punctuation (SQS quotas)."""


@dataclass(frozen=True)
class Queues:
    """The two queues of a stack, and a client for them."""

    sqs: Any
    task_queue_url: str
    dead_letter_queue_url: str


@dataclass(frozen=True)
class DeadLetter:
    """A dead-lettered message."""

    body: str
    reason: str
    receipt_handle: str
    own_group: str | None = None
    """Its message group."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Its message attributes, the reason aside."""

    @property
    def group(self) -> str:
        """The message group to send it back to: its own, else the tenant of its body, which may be anything."""
        if self.own_group:
            return self.own_group
        try:
            tenant = json.loads(self.body)["tenantCode"]
        except (ValueError, KeyError, TypeError):
            return NO_TENANT
        return tenant if isinstance(tenant, str) and GROUP.fullmatch(tenant) else NO_TENANT


def dead_letters(queues: Queues) -> Iterator[DeadLetter]:
    """Each message once, until no more are visible."""
    seen = set()
    while True:
        with aws.errors():
            answer = queues.sqs.receive_message(
                QueueUrl=queues.dead_letter_queue_url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["MessageGroupId"],
                VisibilityTimeout=LOOK_SECONDS,
                WaitTimeSeconds=1,  # a short poll asks only some of SQS's servers
            )
        messages = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        if not messages:
            return
        for message in messages:
            seen.add(message["MessageId"])
            attributes = message.get("MessageAttributes", {})
            yield DeadLetter(
                body=message["Body"],
                reason=attributes.get("reason", {}).get("StringValue", NO_REASON),
                receipt_handle=message["ReceiptHandle"],
                own_group=message.get("Attributes", {}).get("MessageGroupId"),
                attributes={name: value for name, value in attributes.items() if name != "reason"},
            )


def send_back(queues: Queues, letter: DeadLetter) -> None:
    """Send first, delete then: a crash in between leaves two, and a task message may come twice."""
    queues.sqs.send_message(
        QueueUrl=queues.task_queue_url,
        MessageBody=letter.body,
        MessageGroupId=letter.group,
        MessageAttributes=letter.attributes,
    )
    queues.sqs.delete_message(QueueUrl=queues.dead_letter_queue_url, ReceiptHandle=letter.receipt_handle)


def queues_on_aws(stack_name: str, region: str | None) -> Queues:
    """The queues of a stack, by its outputs, with the user's own AWS credentials."""
    outputs = aws.outputs(stack_name, region)
    if not {"TaskQueueUrl", "DeadLetterQueueUrl"} <= outputs.keys():
        raise BadInput(f"--stack {stack_name}: has no task queue; it is another stack, or still being made")
    return Queues(aws.client("sqs", region), outputs["TaskQueueUrl"], outputs["DeadLetterQueueUrl"])


def queues_here(stack: Mapping[str, Any]) -> Queues:
    """The queues of the local cloud."""
    sqs = local_stack.client("sqs", stack["endpointUrl"], stack["region"])
    return Queues(sqs, stack["taskQueueUrl"], stack["deadLetterQueueUrl"])


def refusal(queues: Queues, letter: DeadLetter) -> str | None:
    """:func:`send_back`; return the refusal of SQS, if any: that message stays, and the next one can go."""
    from botocore.exceptions import ClientError

    try:
        with aws.errors():
            send_back(queues, letter)
    except CliError as error:
        if not isinstance(error.__cause__, ClientError):
            raise
        return str(error.__cause__)
    return None
