"""Shows what is on the dead-letter queue and why, and sends it back to the task queue.

make dead-letters                                             # of the local cloud that is up
make dead-letters ARGS=--send-back
python -m tools.dead_letters --stack serverless-tasks-dev     # on AWS, with your own credentials
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

LOOK_SECONDS = 30
"""A message that was shown is hidden this long from whoever looks next."""
NO_REASON = "received more often than the queue allows"
"""What a message without a reason has met: only SQS itself moves one without."""
NO_TENANT = "unknown"
"""The group of what names no tenant."""
GROUP = re.compile(r"[!-~]{1,128}")
"""What SQS takes as a message group: letters, digits and punctuation (SQS quotas)."""


@dataclass(frozen=True)
class Queues:
    """The two queues of a stack, and a client for them."""

    sqs: Any
    task_queue_url: str
    dead_letter_queue_url: str


@dataclass(frozen=True)
class DeadLetter:
    """A message that was set aside."""

    body: str
    reason: str
    receipt_handle: str
    own_group: str | None = None
    """The message group that it came in."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Its message attributes, the reason aside."""

    @property
    def group(self) -> str:
        """The message group to send it back to: its own, else its tenant, which the body may say in any way."""
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


def sent_back(queues: Queues, letter: DeadLetter) -> bool:
    """:func:`send_back`; what SQS does not take is reported and stays, and keeps no other from going."""
    try:
        send_back(queues, letter)
    except ClientError as error:
        print(f"    not sent back: {error}")
        return False
    return True


def queues_on_aws(stack_name: str) -> Queues:
    """The queues of a stack, by its outputs."""
    [stack] = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return Queues(boto3.client("sqs"), outputs["TaskQueueUrl"], outputs["DeadLetterQueueUrl"])


def queues_here() -> Queues:
    """The queues of the local cloud that is up."""
    from local.cloud import Connection
    from local.paths import STATE

    connection = Connection.to(STATE)
    stack = connection.stack
    return Queues(connection.client("sqs"), stack["taskQueueUrl"], stack["deadLetterQueueUrl"])


def main(arguments: list[str], queues: Queues | None = None) -> int:
    """Print each dead letter; with ``--send-back``, send it back, too."""
    parser = argparse.ArgumentParser(prog="python -m tools.dead_letters", description=__doc__.splitlines()[0])
    parser.add_argument("--stack", help="name of a stack on AWS; by default the local cloud that is up")
    parser.add_argument("--send-back", action="store_true", help="send every one back to the task queue")
    options = parser.parse_args(arguments)
    queues = queues or (queues_on_aws(options.stack) if options.stack else queues_here())
    count = refused = 0
    for letter in dead_letters(queues):
        count += 1
        print(f"{letter.reason}\n    {letter.body[:1000]}")
        if options.send_back and not sent_back(queues, letter):
            refused += 1
    sent = f", {count - refused} sent back" if options.send_back and count else ""
    print(f"{count} dead letters{sent}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
