"""What a call of the AWS API needs, and whether its function may, in the names of the template."""

from collections.abc import Iterator, Mapping

from local.gate import needs as gate
from local.gate.dynamodb.tables import Table, partition_keys
from local.gate.needs import Place
from local.gate.policy import Request
from tests.support.calls import Call
from tests.support.clients import ACCOUNT, REGION
from tests.support.grants import Need, grants
from tests.support.resources import properties

TABLE = Table.of(properties("TasksTable"))
SIGNED = {"stepfunctions": "states"}
"""Services whose requests are signed for another name."""


def missing(call: Call, names: Mapping[str, str], **parameters: str) -> list[Need]:
    """What the call needs and its function (``api``, ``relay`` …) may not do. ``names``: as of :func:`needs`.

    ``parameters``: as of :func:`tests.support.grants.grants`.
    """
    allowed = grants(**parameters)[f"{call.function.capitalize()}Function"]
    return [need for need in needs(call, names) if not any(grant.covers(need) for grant in allowed)]


def needs(call: Call, names: Mapping[str, str]) -> Iterator[Need]:
    """What a call needs. ``names``: name in the template by what the functions call a resource: name, URL or ARN."""
    short = short_names(names)
    tables = {given.rpartition("/")[2]: TABLE for given, name in names.items() if name == "TasksTable"}
    for request in requests(call, Place(ACCOUNT, REGION, partition_keys(tables))):
        keys = request.context.get("dynamodb:leadingkeys") or request.context.get("s3:prefix", ())
        yield Need(request.action, readable(request.resource or "*", short), keys)


def requests(call: Call, place: Place) -> list[Request]:
    """What IAM is asked, by the gate of the local cloud."""
    return gate.needs(SIGNED.get(call.service, call.service), call.operation, call.params, place)


def short_names(names: Mapping[str, str]) -> dict[str, str]:
    """The names in the template by the last part of a name, URL or ARN, which is what ARNs have in common with them."""
    return {given.rpartition("/")[2].rpartition(":")[2]: name for given, name in names.items()}


def readable(arn: str, names: Mapping[str, str]) -> str:
    """An ARN, or a pattern of some, as the template calls it. ``names``: as of :func:`short_names`."""
    if not arn.startswith("arn:"):
        return arn
    _, _, service, _, _, rest = arn.split(":", 5)
    match service:
        case "dynamodb":
            _, table, *inside = rest.split("/")
            return "/".join([names[table], *(["stream"] if inside[:1] == ["stream"] else inside)])
        case "s3":
            bucket, slash, key = rest.partition("/")
            return names[bucket] + slash + key
        case "sqs" | "sns":
            return names[rest]
        case "states":
            kind, name, *execution = rest.split(":")
            if kind != "execution":
                return names[name]
            assert names[name] == "FanOutStateMachine"
            return ":".join(["executions", *execution])
        case "events":
            return f"arn:aws:events:region:account:{rest}"
    return arn
