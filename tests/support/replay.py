"""Recorded calls, decided anew: with a grant less, and by another judge than the gate."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from botocore.serialize import create_serializer
from ministack.core import iam_actions, iam_evaluator

from local.gate.policy import Request, Statement, decide
from tests.support.calls import Call
from tests.support.clients import driver_client
from tests.support.permissions import SIGNED

Statements = Sequence[Mapping[str, Any]]

_SECURE = {"aws:securetransport": ("true",)}


def refused(requests: Sequence[Request], statements: Statements) -> bool:
    """Whether the gate refuses a call that asks for this."""
    known = [Statement.of(statement) for statement in statements]
    return not all(decide(known, _with_transport(request)) for request in requests)


def without_each(statements: Statements) -> Iterator[tuple[dict[str, Any], list[Mapping[str, Any]]]]:
    """Each grant, one action on one resource, as a statement of its own; and all statements without it."""
    for place, statement in enumerate(statements):
        if statement["Effect"] != "Allow":
            continue
        pairs = [
            (action, resource) for action in _list(statement["Action"]) for resource in _list(statement["Resource"])
        ]
        alone = [{**statement, "Action": action, "Resource": resource} for action, resource in pairs]
        for grant in alone:
            others = [each for each in alone if each is not grant]
            yield grant, [*statements[:place], *others, *statements[place + 1 :]]


def second_opinion(call: Call, requests: Sequence[Request], statements: Statements, table: Mapping[str, Any]) -> bool:
    """Whether the engine's own IAM, which is off while it runs, would let the call pass.

    It is given the bytes that a client sends, and finds out itself what is asked for; but for the partition keys, of
    which it knows nothing.
    """
    keys = sorted({key for request in requests for key in request.context.get("dynamodb:leadingkeys", ())})
    return all(
        _allowed(action, resource, context, keys, statements, table)
        for action, resource, context in _asked(call, table["account"], table["region"])
    )


def _asked(call: Call, account: str, region: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    service = SIGNED.get(call.service, call.service)
    method, path, headers, query, body = _sent(call)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, query)
    if transaction := iam_actions.dynamodb_transaction_checks(action, body, region, account):
        yield from ((each, resource, {}) for each, resource in transaction)
        return
    context = iam_actions.s3_service_context(action, query, path, headers) if service == "s3" else {}
    resource = iam_actions.extract_resource_arn(service, method, path, headers, body, query, region, account)
    resources = [resource]
    if service == "dynamodb":
        resources = iam_actions.dynamodb_resource_arns(body, region, account) or resources
    if action == "events:PutEvents":
        resources = iam_actions.eventbridge_resource_arns(body, region, account)
    yield from ((action, each, context) for each in resources)


def _sent(call: Call) -> tuple[str, str, dict[str, str], dict[str, Any], bytes]:
    """Method, path, headers, query and body, as a client makes them of the call."""
    model = driver_client(call.service).meta.service_model
    serializer = create_serializer(model.metadata["protocol"], include_validation=False)
    sent = serializer.serialize_to_request(call.params, model.operation_model(call.operation))
    headers = {name.lower(): str(value) for name, value in sent["headers"].items()}
    body, query = sent["body"], {name: [str(value)] for name, value in dict(sent["query_string"]).items()}
    path, _, inside = sent["url_path"].partition("?")
    query |= {name: [value] for name, _, value in (part.partition("=") for part in inside.split("&") if part)}
    if isinstance(body, dict):  # the query protocol
        query |= {name: [str(value)] for name, value in body.items()}
        body = urlencode(body)
    return sent["method"], path, headers, query, body.encode() if isinstance(body, str) else bytes(body or b"")


def _allowed(
    action: str,
    resource: str,
    context: Mapping[str, Any],
    keys: Sequence[str],
    statements: Statements,
    table: Mapping[str, Any],
) -> bool:
    given = {**context, **({"dynamodb:leadingkeys": list(keys)} if keys else {})}
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{table['account']}:assumed-role/role/function",
        principal_type="AssumedRole",
        principal_account=table["account"],
        action=action,
        resource_arn=resource,
        region=table["region"],
        secure_transport=True,
        service_context=given,
    )
    document = {"Statement": json.loads(json.dumps(list(statements)))}
    own = iam_evaluator.evaluate(asked, [iam_evaluator.parse_policy_document(document)])
    others = iam_evaluator.evaluate_resource_policy({"Statement": table["resourceStatements"]}, asked)
    return bool(own.decision == "Allow" and others.decision != "Deny")


def _with_transport(request: Request) -> Request:
    return Request(request.action, request.resource, {**_SECURE, **request.context})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
