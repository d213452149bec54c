"""What a call of the AWS API needs, and whether its function may. moto and the local cloud ask nobody; AWS does."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.calls import Call
from tests.support.grants import Need, grants

_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_S3 = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket"}
"""Calls whose permission has another name (Service Authorization Reference)."""


def missing(call: Call, names: Mapping[str, str], **parameters: str) -> list[Need]:
    """What the call needs and its function (``api``, ``relay`` …) may not do. ``names``: as of :func:`needs`.

    ``parameters``: as of :func:`tests.support.grants.grants`.
    """
    allowed = grants(**parameters)[f"{call.function.capitalize()}Function"]
    return [need for need in needs(call, names) if not any(grant.covers(need) for grant in allowed)]


def needs(call: Call, names: Mapping[str, str]) -> Iterator[Need]:
    """What a call needs. ``names``: name in the template by what the functions call a resource: name, URL or ARN."""
    params = call.params
    match call.service, call.operation:
        case "dynamodb", "BatchGetItem":
            for table, asked in params["RequestItems"].items():
                keys = {key["pk"]["S"] for key in asked["Keys"]}
                yield Need("dynamodb:BatchGetItem", names[table], tuple(sorted(keys)))
        case "dynamodb", "TransactWriteItems":
            for item in params["TransactItems"]:
                for kind, given in item.items():
                    yield Need(f"dynamodb:{_TRANSACTED[kind]}", names[given["TableName"]], (_partition(given),))
        case "dynamodb", operation:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            yield Need(f"dynamodb:{operation}", names[params["TableName"]] + index, (_partition(params),))
        case "s3", operation:
            yield Need(f"s3:{_S3.get(operation, operation)}", f"{names[params['Bucket']]}/{params['Key']}")
        case "sqs", operation:
            yield Need(f"sqs:{operation.removesuffix('Batch')}", names[params["QueueUrl"]])
        case "sns", operation:
            yield Need(f"sns:{operation.removesuffix('Batch')}", names[params["TopicArn"]])
        case "events", "PutEvents":
            for bus in sorted({entry["EventBusName"] for entry in params["Entries"]}):
                yield Need("events:PutEvents", f"arn:aws:events:region:account:event-bus/{bus}")
        case "stepfunctions", "StartExecution":
            yield Need("states:StartExecution", names[params["stateMachineArn"]])
        case "stepfunctions", operation:
            machine, _, name = params["executionArn"].replace(":execution:", ":stateMachine:").rpartition(":")
            assert names[machine] == "FanOutStateMachine"
            yield Need(f"states:{operation}", f"executions:{name}")
        case service, operation:
            yield Need(f"{service}:{operation}", "*")


def _partition(params: Mapping[str, Any]) -> str:
    """The value of the partition key that a request names, of the table or of an index."""
    if "KeyConditionExpression" in params:
        _, _, placeholder = params["KeyConditionExpression"].partition(" AND ")[0].partition(" = ")
        return str(params["ExpressionAttributeValues"][placeholder]["S"])
    return str((params.get("Key") or params["Item"])["pk"]["S"])
