"""Creates or updates the stack through the CloudFormation API."""

import json
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.errors import LocalCloudError
from local.isolation import Clients
from local.settings import Settings

SECONDS = 120
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def apply(clients: Clients, settings: Settings, packaged: Mapping[str, Any], bucket: str) -> bool:
    """Bring the stack to the packaged template; say whether anything changed."""
    key = f"{settings.stack_name}.template.json"
    template = with_defaults(packaged, settings.parameters)
    clients("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(template).encode())
    request = {
        "StackName": settings.stack_name,
        "TemplateURL": f"{clients.endpoint_url}/{bucket}/{key}",
        "Capabilities": _CAPABILITIES,
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in settings.parameters.items()],
    }
    cloudformation = clients("cloudformation")
    try:
        if _status(clients, settings.stack_name) is None:
            cloudformation.create_stack(**request)
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise LocalCloudError(f"the stack was refused: {error}") from error
    _wait(clients, settings.stack_name)
    return True


def with_defaults(template: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the template with the parameters as its defaults.

    The SAM transform replaces references to parameters by values. AWS passes it those of the deployment, the engine
    none: then it takes the defaults.
    """
    declared = template.get("Parameters", {})
    given = {name: {**declared[name], "Default": parameters[name]} for name in declared if name in parameters}
    return {**template, "Parameters": {**declared, **given}}


def processed_template(clients: Clients, stack_name: str) -> dict[str, Any]:
    """Return the stack's template after the SAM transform."""
    body = clients("cloudformation").get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    template: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
    return template


def outputs(clients: Clients, stack_name: str) -> dict[str, str]:
    """Return the outputs of the stack by name."""
    stack = clients("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def resources(clients: Clients, stack_name: str) -> dict[str, tuple[str, str]]:
    """Return type and physical id of every resource of the stack by logical id."""
    pages = clients("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name)
    return {
        item["LogicalResourceId"]: (item["ResourceType"], item.get("PhysicalResourceId", ""))
        for page in pages
        for item in page["StackResourceSummaries"]
        if not item["ResourceStatus"].startswith("DELETE")
    }


def log_group(clients: Clients, function: str) -> str:
    """Return the log group of a function, by the function's physical id."""
    configured = clients("lambda").get_function_configuration(FunctionName=function).get("LoggingConfig") or {}
    return str(configured.get("LogGroup") or f"/aws/lambda/{function}")


def _wait(clients: Clients, stack_name: str) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        status = _status(clients, stack_name) or "gone"
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        if not status.endswith("IN_PROGRESS"):
            raise LocalCloudError(f"the stack ended as {status}:\n{_reasons(clients, stack_name)}")
        time.sleep(0.1)
    raise LocalCloudError(f"the stack was not ready within {SECONDS} seconds")


def _status(clients: Clients, stack_name: str) -> str | None:
    """Return the stack's status; a deleted one counts as absent."""
    cloudformation = clients("cloudformation")
    try:
        status: str = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if status == "DELETE_COMPLETE":
        return None
    return status


def _reasons(clients: Clients, stack_name: str) -> str:
    events = clients("cloudformation").describe_stack_events(StackName=stack_name)["StackEvents"]
    return "\n".join(
        f"  {event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
    )
