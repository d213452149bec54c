"""A subscriber of both topics: it keeps their messages, attributes and all."""

import json
from typing import Any

from tests.support.clients import driver_client


class Subscriber:
    """Subscribes a queue of its own to each topic."""

    def __init__(self, status_topic_arn: str, alarm_topic_arn: str) -> None:
        self._urls = {name: _subscribe(arn, name) for name, arn in self._named(status_topic_arn, alarm_topic_arn)}
        self._heard: dict[str, list[dict[str, Any]]] = {"statuses": [], "alarms": []}

    @property
    def statuses(self) -> list[dict[str, Any]]:
        """The messages of the status topic, in order."""
        return [message["body"] for message in self.heard("statuses")]

    @property
    def alarms(self) -> list[dict[str, Any]]:
        """The messages of the alarm topic, in order."""
        return [message["body"] for message in self.heard("alarms")]

    def heard(self, topic: str) -> list[dict[str, Any]]:
        """``{"body", "attributes"}`` of everything on ``statuses`` or ``alarms`` so far."""
        client = driver_client("sqs")
        while True:
            answer = client.receive_message(
                QueueUrl=self._urls[topic], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            if not answer.get("Messages"):
                return self._heard[topic]
            for message in answer["Messages"]:
                attributes = {n: v["StringValue"] for n, v in message.get("MessageAttributes", {}).items()}
                self._heard[topic].append({"body": json.loads(message["Body"]), "attributes": attributes})
                client.delete_message(QueueUrl=self._urls[topic], ReceiptHandle=message["ReceiptHandle"])

    @staticmethod
    def _named(status_topic_arn: str, alarm_topic_arn: str) -> list[tuple[str, str]]:
        return [("statuses", status_topic_arn), ("alarms", alarm_topic_arn)]


def _subscribe(topic_arn: str, name: str) -> str:
    client = driver_client("sqs")
    url = str(client.create_queue(QueueName=f"subscriber-{name}")["QueueUrl"])
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    driver_client("sns").subscribe(
        TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    return url
