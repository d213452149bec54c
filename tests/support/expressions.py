"""What DynamoDB refuses in the expressions of a request. moto and the local engine let most of it pass.

:func:`check_request` takes the parameters of a client call, values typed or still plain, and raises :class:`Refused`.
Rules: DynamoDB developer guide ("Using expressions", "Reserved words", "Constraints") and the service's error texts.
"""

import re
from collections.abc import Mapping
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import encode_item
from serverless_tasks.testing.queries import KEYS

from tests.support.grammar import Parser, Refused, condition, key_condition, projection, refuse, update
from tests.support.values import check_item, check_key, check_value, looks_typed

__all__ = ["Refused", "check_request"]

EXPRESSIONS = {
    "UpdateItem": {"UpdateExpression", "ConditionExpression"},
    "PutItem": {"ConditionExpression"},
    "DeleteItem": {"ConditionExpression"},
    "GetItem": {"ProjectionExpression"},
    "Query": {"KeyConditionExpression", "FilterExpression", "ProjectionExpression"},
    "Scan": {"FilterExpression", "ProjectionExpression"},
}
WITHIN_TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "DeleteItem"}
MAX_EXPRESSION_BYTES = 4096
MAX_PLACEHOLDER = 255
READ = {
    "UpdateExpression": update,
    "ConditionExpression": condition,
    "FilterExpression": condition,
    "KeyConditionExpression": key_condition,
    "ProjectionExpression": projection,
}


def check_request(operation: str, params: Mapping[str, Any]) -> None:
    """Raise :class:`Refused` for what DynamoDB would not accept. Operations that take no expression pass."""
    if operation == "BatchGetItem":
        for table in params["RequestItems"].values():
            for key in table["Keys"]:
                check_request("GetItem", {**table, "Key": key})
    elif operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            for kind, request in item.items():
                check_request(WITHIN_TRANSACTION[kind], request)
    elif operation in EXPRESSIONS:
        _Request(operation, params).check()


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(values) if looks_typed(values) else encode_item(values)


class _Request:
    """One request, whose expressions share names and values."""

    def __init__(self, operation: str, params: Mapping[str, Any]) -> None:
        self.expressions = {name: text for name, text in params.items() if name.endswith("Expression")}
        if foreign := set(self.expressions) - EXPRESSIONS[operation]:
            refuse(f"{operation} takes no {foreign}")
        for what in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            if what in params and not params[what]:
                refuse(f"{what} must not be empty")
        self.names = dict(params.get("ExpressionAttributeNames", {}))
        self.values = _typed(params.get("ExpressionAttributeValues", {}))
        self.key = _typed(params.get("Key", {}))
        self.item = _typed(params.get("Item", {}))
        self.used: set[str] = set()
        index = params.get("IndexName")
        self.indexed = {*KEYS[""], *KEYS[index]} if index else set()

    def check(self) -> None:
        for placeholder in (*self.names, *self.values):
            if not re.fullmatch(r"[#:][A-Za-z0-9_]+", placeholder) or len(placeholder) > MAX_PLACEHOLDER:
                refuse(f"{placeholder!r} is no placeholder")
        for name, text in self.expressions.items():
            if not 0 < len(text.encode()) <= MAX_EXPRESSION_BYTES:
                refuse(f"{name} has {len(text)} characters")
            parser = Parser(self, text)
            READ[name](parser)
            parser.end()
        if unused := {*self.names, *self.values} - self.used:
            refuse(f"unused in expressions: {sorted(unused)}")
        problems = [check_value(value) for value in self.values.values()]
        for problem in (*problems, check_item(self.item), check_key(self.key)):
            if problem:
                refuse(problem)
