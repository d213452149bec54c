"""Shows what is on the dead-letter queue and why, and sends it back to the task queue.

make dead-letters                                             # of the local cloud that is up
make dead-letters ARGS=--send-back
python -m tools.dead_letters --stack serverless-tasks-dev     # on AWS, with your own credentials
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3

LOOK_SECONDS = 30
"""A message that was shown is hidden this long from whoever looks next."""
NO_REASON = "received more often than the queue allows"
"""What a message without a reason has met: only SQS itself moves one without."""


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

    @property
    def tenant(self) -> str:
        """The message group to send it back to; what names no tenant has a group of its own."""
        try:
            return str(json.loads(self.body)["tenantCode"])
        except (ValueError, KeyError, TypeError):
            return "unknown"


def dead_letters(queues: Queues) -> Iterator[DeadLetter]:
    """Each message once, until no more are visible."""
    seen = set()
    while True:
        answer = queues.sqs.receive_message(
            QueueUrl=queues.dead_letter_queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["reason"],
            VisibilityTimeout=LOOK_SECONDS,
            WaitTimeSeconds=1,  # a short poll asks only some of SQS's servers
        )
        messages = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        if not messages:
            return
        for message in messages:
            seen.add(message["MessageId"])
            reason = message.get("MessageAttributes", {}).get("reason", {}).get("StringValue", NO_REASON)
            yield DeadLetter(message["Body"], reason, message["ReceiptHandle"])


def send_back(queues: Queues, letter: DeadLetter) -> None:
    """Send first, delete then: a crash in between leaves two, and a task message may come twice."""
    queues.sqs.send_message(QueueUrl=queues.task_queue_url, MessageBody=letter.body, MessageGroupId=letter.tenant)
    queues.sqs.delete_message(QueueUrl=queues.dead_letter_queue_url, ReceiptHandle=letter.receipt_handle)


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
    count = 0
    for letter in dead_letters(queues):
        count += 1
        print(f"{letter.reason}\n    {letter.body[:1000]}")
        if options.send_back:
            send_back(queues, letter)
    print(f"{count} dead letters" + (", sent back" if options.send_back and count else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
