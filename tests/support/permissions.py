"""Whether a function's policies in ``template.yaml`` allow what it calls. moto asks nobody; AWS does."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.support.calls import Call
from tests.support.resources import Resources, properties

Need = tuple[str, str]
"""An action and the ARN of what it is done to."""


_SINGLE = {"SendMessageBatch": "SendMessage", "PublishBatch": "Publish"}
"""Batches have no action of their own (SQS developer guide, "Amazon SQS API permissions"; SNS, "message batching")."""


def missing(call: Call, resources: Resources) -> list[Need]:
    """What the call needs and its function may not do."""
    function = f"{call.function.capitalize()}Function"
    statements = [
        statement
        for policy in properties(function)["Policies"]
        for statement in (policy.get("Statement", ()) if isinstance(policy, dict) else ())
    ]
    granted = [grant for statement in statements for grant in _grants(statement, resources)]
    return [
        (action, arn)
        for action, arn in _needs(call, resources)
        if not any(action == allowed and fnmatchcase(arn, pattern) for allowed, pattern in granted)
    ]


def _grants(statement: dict[str, Any], resources: Resources) -> Iterator[Need]:
    if statement["Effect"] != "Allow" or "Condition" in statement:
        raise ValueError(f"statement {statement} is not understood here")
    for action in _list(statement["Action"]):
        for arn in _list(statement["Resource"]):
            yield action, str(resources.resolve(arn))


def _needs(call: Call, resources: Resources) -> Iterator[Need]:
    params = call.params
    match call.service, call.operation:
        case "dynamodb", "BatchGetItem":
            yield from (("dynamodb:BatchGetItem", resources.arn("TasksTable")) for _ in params["RequestItems"])
        case "dynamodb", "TransactWriteItems":
            for item in params["TransactItems"]:
                names = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
                yield from ((f"dynamodb:{names[kind]}", resources.arn("TasksTable")) for kind in item)
        case "dynamodb", operation:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            yield f"dynamodb:{operation}", resources.arn("TasksTable") + index
        case "s3", operation:
            operation = "GetObject" if operation == "HeadObject" else operation  # S3 API reference, HeadObject
            yield f"s3:{operation}", f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
        case "sqs", operation:
            queues = {resources.name(queue): resources.arn(queue) for queue in ("TaskQueue", "DeadLetterQueue")}
            yield f"sqs:{_SINGLE.get(operation, operation)}", queues[params["QueueUrl"]]
        case "sns", operation:
            yield f"sns:{_SINGLE.get(operation, operation)}", params["TopicArn"]
        case "stepfunctions", operation:
            yield f"states:{operation}", params.get("stateMachineArn") or params["executionArn"]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
