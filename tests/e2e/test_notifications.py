"""What the parameters for notifications make of a stack: an event bus that is told, and mail for each failed task."""

import json

import pytest

from local.cloud import LocalCloud
from tests.support.driver import Driver


@pytest.fixture(scope="module")
def notifying():
    with LocalCloud(parameters={"EventBusName": "default", "FailureEmail": "people@example.com"}) as running:
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
