"""Sinks of a stack: an event bus and an address for mail by parameter, and a webhook by subscription."""

import json
import queue
import threading
from contextlib import closing, contextmanager

import pytest

from examples.webhook import receiver
from examples.webhook.inbox import Inbox
from examples.webhook.signatures import Forged, Verifier
from tests.support.driver import Driver
from tests.support.fork import Fork


@pytest.fixture(scope="module")
def notifying(tmp_path_factory):
    own = Fork(tmp_path_factory.mktemp("notifying") / "repo").built_like_this_repository()
    with own.with_parameters(EventBusName="default", FailureEmail="people@example.com").running() as running:
        yield running


@pytest.fixture
def tasks(notifying):
    return Driver(notifying)


def routed(cloud, name, pattern):
    """A queue that a rule of the default bus sends events to."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def test_rules_of_the_bus_route_the_ends_of_tasks(notifying, tasks):
    """GIVEN a rule for Step Functions tasks; WHEN tasks of both kinds end; THEN its queue has the one, as it ended."""
    detail = {"content": {"status": ["COMPLETED"]}, "taskType": ["cat"], "kind": ["SFN_TASK"]}
    pattern = {"source": ["serverless-tasks"], "detail-type": ["Task status"], "detail": detail}
    url = routed(notifying, "fan-outs", pattern)
    tasks.run("cat", {"key": "one"})
    ended = tasks.wait(tasks.fan_out("cat", [{"key": "many"}]))
    heard = []

    def all_is_there():
        for message in notifying.client("sqs").receive_message(QueueUrl=url).get("Messages", []):
            heard.append(json.loads(message["Body"]))
        return heard

    tasks.until(all_is_there, "the rule has sent the event to its queue")
    [event] = heard
    assert (event["source"], event["detail-type"]) == ("serverless-tasks", "Task status")
    assert event["detail"] == {
        "action": "task-status",
        "pk": ended["pk"],
        "sk": ended["sk"],
        "table": notifying.stack["tableName"],
        "id": ended["id"],
        "tenantCode": "mbc",
        "run": 0,
        "version": ended["version"],
        "updatedAt": ended["updatedAt"],
        "content": {"status": "COMPLETED", "attributes": ended["attributes"]},
        "kind": "SFN_TASK",
        "taskType": "cat",
    }


def test_mail_is_sent_for_failures_only(notifying):
    """GIVEN FailureEmail; WHEN the stack is deployed; THEN the address gets the status topic's failures."""
    sns = notifying.client("sns")
    topic = notifying.stack["statusTopicArn"]
    [mails] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (mails["Protocol"], mails["Endpoint"]) == ("email", "people@example.com")
    given = sns.get_subscription_attributes(SubscriptionArn=mails["SubscriptionArn"])["Attributes"]
    assert json.loads(given["FilterPolicy"]) == {"status": ["FAILED"]}
    assert given["FilterPolicyScope"] == "MessageAttributes"
    assert sns.list_subscriptions_by_topic(TopicArn=notifying.stack["alarmTopicArn"])["Subscriptions"] == []


class Webhook:
    """The example's receiver, subscribed to the status topic: what it was asked to check, and what it acted upon."""

    def __init__(self, cloud, check):
        self.checked = []
        self.got = []
        self._check = check
        self._servers = queue.Queue()
        self._thread = threading.Thread(target=self._serve)
        self._cloud = cloud

    @contextmanager
    def subscribed(self, pattern):
        self._thread.start()
        listening = self._servers.get(timeout=30)
        address = f"http://127.0.0.1:{listening.server_address[1]}/"
        attributes = {"FilterPolicy": json.dumps(pattern)}
        topic = self._cloud.stack["statusTopicArn"]
        self._cloud.client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=address, Attributes=attributes)
        try:
            yield self
        finally:
            listening.shutdown()
            self._thread.join(timeout=30)

    def _serve(self):
        with closing(Inbox(":memory:")) as inbox:
            receives = receiver.Receiver(self._note, receiver.fetch, inbox, self.got.append)
            with receiver.server(receives, 0) as listening:
                self._servers.put(listening)
                listening.serve_forever()

    def _note(self, message):
        self.checked.append(message)
        self._check(message)


def test_a_webhook_confirms_and_gets_messages(notifying, tasks):
    """GIVEN the example, which trusts the engine; WHEN it is subscribed; THEN it gets what its filter lets pass."""
    with Webhook(notifying, lambda message: None).subscribed({"kind": ["SFN_TASK"]}) as webhook:
        tasks.until(lambda: webhook.checked, "the subscription is confirmed")
        tasks.run("cat", {"key": "one"})
        ended = tasks.wait(tasks.fan_out("cat", [{"key": "many"}]))
        tasks.until(lambda: webhook.got, "the webhook gets the message")
    assert [message["Type"] for message in webhook.checked] == ["SubscriptionConfirmation", "Notification"]
    assert webhook.checked[1]["Subject"] == "COMPLETED: cat of mbc"
    [got] = webhook.got
    assert (got["id"], got["version"], got["content"]["status"]) == (ended["id"], ended["version"], "COMPLETED")


def test_a_webhook_confirms_nothing_that_is_not_signed(notifying, tasks):
    """GIVEN the example as it is; WHEN the engine, which cannot sign, subscribes it; THEN it is not subscribed."""
    refused = []
    verifier = Verifier(notifying.stack["statusTopicArn"], pytest.fail)

    def check(message):
        try:
            verifier.check(message)
        except Forged as forged:
            refused.append(str(forged))
            raise

    with Webhook(notifying, check).subscribed({}) as webhook:
        tasks.until(lambda: refused, "the confirmation is refused")
        tasks.run("cat", {"key": "not delivered"})
    assert (len(refused), webhook.got) == (1, [])
    assert "SHA-256" in refused[0]
