"""A first deployment with Protection=true that fails: it is rolled back, and the next one succeeds."""

import json

import pytest
from botocore.exceptions import ClientError

from local.paths import TEMPLATE
from local.template import load
from tests.support.driver import Driver

NAME = "failed-at-first"
SOURCE = load(TEMPLATE)
KEPT = ("TasksTable", "PayloadBucket", "DeadLetterQueue", "UserPool", "SweeperLogs")
PROTECTED = {"TasksTable", "UserPool"}


def stack_of(**more):
    """The template's own resources that keep data, and others that are made after them."""
    kept = {name: SOURCE["Resources"][name] for name in KEPT}
    later = {name: {**resource, "DependsOn": list(KEPT)} for name, resource in more.items()}
    given = {part: SOURCE[part] for part in ("Parameters", "Conditions")}
    return json.dumps({**given, "Resources": {**kept, **later}})


@pytest.fixture
def stacks(cloud):
    """CloudFormation of the local cloud. Nothing of the stacks that are made is left there."""
    client = cloud.client("cloudformation")
    before = tables(cloud)
    yield client
    client.delete_stack(StackName=NAME)
    Driver(cloud).until(lambda: status(client) in (None, "DELETE_COMPLETE"), "the stack is gone")
    for name in tables(cloud) - before:
        unprotect(cloud, "TasksTable", name)


def create(client, body):
    parameters = [{"ParameterKey": "Protection", "ParameterValue": "true"}]
    client.create_stack(StackName=NAME, TemplateBody=body, Parameters=parameters)


def status(client):
    found = [stack for stack in client.describe_stacks()["Stacks"] if stack["StackName"] == NAME]
    return found[0]["StackStatus"] if found else None


def tables(cloud):
    return set(cloud.client("dynamodb").list_tables()["TableNames"])


def unprotect(cloud, logical_id, name):
    """The commands of docs/deploy.md."""
    if logical_id == "TasksTable":
        cloud.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)
        cloud.client("dynamodb").delete_table(TableName=name)
    else:
        cloud.client("cognito-idp").update_user_pool(UserPoolId=name, DeletionProtection="INACTIVE")
        cloud.client("cognito-idp").delete_user_pool(UserPoolId=name)


def test_a_first_deployment_that_fails_is_rolled_back_and_can_be_made_again(cloud, stacks):
    """GIVEN Protection=true; WHEN the last resource of a new stack fails; THEN only what is protected is left of it."""
    waiting = Driver(cloud)
    create(stacks, stack_of(Broken={"Type": "AWS::Cognito::UserPoolGroup", "Properties": {"UserPoolId": "none_such"}}))
    waiting.until(lambda: status(stacks).startswith("ROLLBACK_") and "PROGRESS" not in status(stacks), "it has ended")

    assert status(stacks) == "ROLLBACK_COMPLETE"
    events = stacks.describe_stack_events(StackName=NAME)["StackEvents"]
    left = {
        event["LogicalResourceId"]: event["PhysicalResourceId"]
        for event in events
        if event["ResourceStatus"] == "DELETE_SKIPPED"
    }
    assert left.keys() == PROTECTED
    gone = {event["LogicalResourceId"] for event in events if event["ResourceStatus"] == "DELETE_COMPLETE"}
    assert set(KEPT) - PROTECTED <= gone
    with pytest.raises(ClientError, match="protected"):
        cloud.client("dynamodb").delete_table(TableName=left["TasksTable"])
    for logical_id, name in left.items():
        unprotect(cloud, logical_id, name)

    stacks.delete_stack(StackName=NAME)
    waiting.until(lambda: status(stacks) in (None, "DELETE_COMPLETE"), "the failed stack is gone")
    create(stacks, stack_of())
    waiting.until(lambda: status(stacks) == "CREATE_COMPLETE", "the stack is made")
