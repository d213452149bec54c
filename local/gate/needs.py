"""What a call asks IAM for: actions, resources and condition keys, where they are not simply the call's own name. Pure.

Source: Service Authorization Reference, and for S3 "Required permissions for Amazon S3 API operations". Where a
service is not known here, the action is the call's name and the resource is open.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.gate.policy import Request

Params = Mapping[str, Any]

_TRANSACTED = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_STATEMENTS = {"SELECT": "Select", "INSERT": "Insert", "UPDATE": "Update", "DELETE": "Delete"}
_S3 = {
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "HeadObject": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
}
_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}
"""IAM's name of a service, where it is not the one that requests are signed for."""
_EXECUTIONS = {"DescribeExecution", "StopExecution", "GetExecutionHistory", "RedriveExecution"}


@dataclass(frozen=True)
class Place:
    """Where the calls go: account, region, and the partition key of each table and index (``table/index/name``)."""

    account: str
    region: str
    partition_keys: Mapping[str, str] = field(default_factory=dict)

    def arn(self, service: str, rest: str) -> str:
        """An ARN here; one stays as it is."""
        return rest if rest.startswith("arn:") else f"arn:aws:{service}:{self.region}:{self.account}:{rest}"


def needs(service: str, operation: str, params: Params, place: Place) -> list[Request]:
    """Every request that IAM decides for a call. ``service``: the name that requests are signed for, such as states.

    ``params``: the call's arguments, attribute values typed as a client sends them.
    """
    ask = _ASK.get(service, _anything)
    prefix = _PREFIXES.get(service, service)
    return [
        Request(f"{prefix}:{action}", resource, {key: value for key, value in context.items() if value})
        for action, resource, context in ask(operation, params, place)
    ]


Asked = Iterator[tuple[str, str | None, Mapping[str, tuple[str, ...]]]]


def _dynamodb(operation: str, params: Params, place: Place) -> Asked:
    match operation:
        case "BatchGetItem" | "BatchWriteItem":
            for table, asked in params["RequestItems"].items():
                partition = _Partition(place, table)
                entries = asked["Keys"] if operation == "BatchGetItem" else [_written(entry) for entry in asked]
                keys = sorted({partition.of(entry) for entry in entries})
                yield operation, partition.arn, {"dynamodb:leadingkeys": tuple(keys)}
        case "TransactWriteItems" | "TransactGetItems":
            for item in params["TransactItems"]:
                for kind, given in item.items():
                    yield from _dynamodb(_TRANSACTED[kind], given, place)
        case "ExecuteStatement":
            verb = params["Statement"].split(maxsplit=1)[0].upper()
            named = re.search(r'(?:FROM|INTO|UPDATE)\s+"?([\w.-]+)', params["Statement"], re.IGNORECASE)
            table = _Partition(place, named[1]).arn if named else None
            yield f"PartiQL{_STATEMENTS.get(verb, 'Select')}", table, {}
        case "ListTables":
            yield operation, "*", {}
        case _ if "TableName" in params:
            partition = _Partition(place, params["TableName"], params.get("IndexName"))
            found = partition.asked(params)
            yield operation, partition.arn, {"dynamodb:leadingkeys": () if found is None else (found,)}
        case _:
            yield operation, None, {}


class _Partition:
    """Table or index, and the values of its partition key in requests."""

    def __init__(self, place: Place, table: str, index: str | None = None) -> None:
        name = table.rpartition("/")[2]
        inside = f"/index/{index}" if index else ""
        self.arn = place.arn("dynamodb", table if table.startswith("arn:") else f"table/{table}") + inside
        self.name = place.partition_keys.get(name + inside)

    def of(self, item: Params) -> str:
        """Of a key or an item; where the table is not known, the first attribute's."""
        return _text(item[self.name] if self.name and self.name in item else next(iter(item.values())))

    def asked(self, params: Params) -> str | None:
        """Of a request for one partition; None for one that names none, such as Scan."""
        if item := params.get("Key") or params.get("Item"):
            return self.of(item)
        if condition := params.get("KeyConditionExpression"):
            names, values = params.get("ExpressionAttributeNames", {}), params.get("ExpressionAttributeValues", {})
            equal = re.findall(r"(#?\w+)\s*=\s*(:\w+)", condition)
            found = {names.get(name, name): value for name, value in equal}
            value = found.get(self.name) if self.name else next(iter(found.values()), None)
            return _text(values[value]) if value in values else None
        return None


def _written(entry: Params) -> Params:
    (given,) = entry.values()
    written: Params = given.get("Key") or given["Item"]
    return written


def _text(value: Any) -> str:
    """A partition key's value, typed or plain."""
    if isinstance(value, Mapping):
        (value,) = value.values()
    return str(value)


def _s3(operation: str, params: Params, place: Place) -> Asked:
    bucket = params.get("Bucket", "")
    bucket = bucket if bucket.startswith("arn:") else f"arn:aws:s3:::{bucket}"
    action = _S3.get(operation, operation)
    if operation == "ListBuckets":
        yield action, "*", {}
    elif operation == "DeleteObjects":
        for each in params["Delete"]["Objects"]:
            yield f"{action}Version" if "VersionId" in each else action, f"{bucket}/{each['Key']}", {}
    elif "Key" not in params:
        listed = {"s3:prefix": "Prefix", "s3:delimiter": "Delimiter", "s3:max-keys": "MaxKeys"}
        yield action, bucket, {key: (str(params[name]),) for key, name in listed.items() if name in params}
    else:
        versioned = "VersionId" in params and action in ("GetObject", "DeleteObject")
        yield f"{action}Version" if versioned else action, f"{bucket}/{params['Key']}", {}
        if operation == "GetObjectAttributes":
            yield "GetObject", f"{bucket}/{params['Key']}", {}
        if source := params.get("CopySource"):
            path = f"{source['Bucket']}/{source['Key']}" if isinstance(source, Mapping) else source.lstrip("/")
            yield "GetObject", f"arn:aws:s3:::{path.partition('?')[0]}", {}
        for name, extra in (("Tagging", "PutObjectTagging"), ("ACL", "PutObjectAcl")):
            if name in params and operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
                yield extra, f"{bucket}/{params['Key']}", {}


def listing(params: Params) -> Request:
    """The grant by which a role learns that an object is missing: for S3, a listing of just this key."""
    return Request("s3:ListBucket", f"arn:aws:s3:::{params['Bucket']}", {"s3:prefix": (params["Key"],)})


def _sqs(operation: str, params: Params, place: Place) -> Asked:
    named = params.get("QueueUrl", params.get("QueueName", "")).rpartition("/")[2]
    yield operation.removesuffix("Batch"), place.arn("sqs", named) if named else "*", {}


def _sns(operation: str, params: Params, place: Place) -> Asked:
    named = params.get("TopicArn") or params.get("TargetArn")
    yield operation.removesuffix("Batch"), named or "*", {}


def _states(operation: str, params: Params, place: Place) -> Asked:
    if operation in _EXECUTIONS:
        yield operation, params["executionArn"], {}
    else:
        yield operation, params.get("stateMachineArn"), {}


def _events(operation: str, params: Params, place: Place) -> Asked:
    if operation != "PutEvents":
        yield operation, None, {}
        return
    for bus in sorted({entry.get("EventBusName", "default") for entry in params["Entries"]}):
        yield operation, bus if bus.startswith("arn:") else place.arn("events", f"event-bus/{bus}"), {}


def _lambda(operation: str, params: Params, place: Place) -> Asked:
    name, qualifier = params.get("FunctionName", ""), params.get("Qualifier")
    if not name:
        yield operation, None, {}
        return
    arn = place.arn("lambda", f"function:{name.rpartition('function:')[2]}")
    action = "InvokeFunction" if operation.startswith("Invoke") else operation
    yield action, f"{arn}:{qualifier}" if qualifier else arn, {}


def _ssm(operation: str, params: Params, place: Place) -> Asked:
    names = params.get("Names") or [params.get("Name") or params.get("Path")]
    for name in names:
        yield operation, place.arn("ssm", f"parameter/{name.lstrip('/')}") if name else None, {}


def _kms(operation: str, params: Params, place: Place) -> Asked:
    key = params.get("KeyId", "")  # an alias stands for a key that only KMS knows
    known = key and "alias/" not in key
    yield operation, place.arn("kms", key if key.startswith("arn:") else f"key/{key}") if known else None, {}


def _secrets(operation: str, params: Params, place: Place) -> Asked:
    secret = params.get("SecretId", "")  # of a name, only the service knows the ARN, which ends with chance
    yield operation, secret if secret.startswith("arn:") else None, {}


def _anything(operation: str, params: Params, place: Place) -> Asked:
    yield operation, None, {}


_ASK: dict[str, Callable[[str, Params, Place], Asked]] = {
    "dynamodb": _dynamodb,
    "s3": _s3,
    "sqs": _sqs,
    "sns": _sns,
    "states": _states,
    "events": _events,
    "lambda": _lambda,
    "ssm": _ssm,
    "kms": _kms,
    "secretsmanager": _secrets,
}
