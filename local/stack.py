"""`.local/stack.json`: the addresses of the local cloud, for other programs."""

import json
from pathlib import Path
from typing import TypedDict

from local import deployment
from local.isolation import Clients
from local.users import User


class Stack(TypedDict):
    """Addresses and names of everything in the running local cloud, and its users."""

    endpointUrl: str
    region: str
    stackName: str
    apiUrl: str
    tableName: str
    taskQueueUrl: str
    deadLetterQueueUrl: str
    stateMachineArn: str
    statusTopicArn: str
    alarmTopicArn: str
    bucketName: str
    users: list[User]
    userPoolId: str
    userPoolClientId: str
    consoleUrl: str
    outputs: dict[str, str]
    """Every output of the stack by its name, a fork's own among them."""


def describe(clients: Clients, stack_name: str) -> Stack:
    """Return the stack as deployed, without users; without an API its addresses are empty."""
    outputs = deployment.outputs(clients, stack_name)
    present = deployment.resources(clients, stack_name)
    api = next((physical for kind, physical in present.values() if kind == "AWS::ApiGatewayV2::Api"), None)
    api_url = f"{clients.endpoint_url}/_aws/execute-api/{api}/$default" if api else ""
    return {
        "endpointUrl": clients.endpoint_url,
        "region": clients.region,
        "stackName": stack_name,
        "apiUrl": api_url,
        "tableName": outputs["TableName"],
        "taskQueueUrl": outputs["TaskQueueUrl"],
        "deadLetterQueueUrl": outputs["DeadLetterQueueUrl"],
        "stateMachineArn": outputs["StateMachineArn"],
        "statusTopicArn": outputs["StatusTopicArn"],
        "alarmTopicArn": outputs["AlarmTopicArn"],
        "bucketName": outputs["BucketName"],
        "users": [],
        "userPoolId": outputs.get("UserPoolId", ""),
        "userPoolClientId": outputs.get("UserPoolClientId", ""),
        "consoleUrl": f"{api_url}/console" if "ConsoleUrl" in outputs else "",
        "outputs": outputs,
    }


def path_in(directory: Path) -> Path:
    """Return the path of the file, for a local cloud in this directory."""
    return directory / "stack.json"


def read(directory: Path) -> Stack | None:
    """Return the stack of the local cloud in this directory, None if it is not up."""
    try:
        stack: Stack = json.loads(path_in(directory).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return stack


def remove(directory: Path) -> None:
    """Remove the file, if it is there: nothing is up any more."""
    path_in(directory).unlink(missing_ok=True)


def write(directory: Path, stack: Stack) -> None:
    """Replace the file in one step, so that half of it is never read; only its owner may read the passwords."""
    partial = path_in(directory).with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(stack, indent=2) + "\n", encoding="utf-8")
    partial.replace(path_in(directory))
