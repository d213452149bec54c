"""What DynamoDB refuses in a request, by the gate of the local cloud, for values typed or still plain."""

from collections.abc import Mapping
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import encode_item

from local.gate.dynamodb import expressions
from local.gate.dynamodb.expressions import Refused
from local.gate.dynamodb.tables import Table
from tests.support.permissions import TABLE

__all__ = ["Refused", "check_request"]

_TYPES = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}


class _Tables(dict[str, Table]):
    """There is one table here, whatever it is called."""

    def get(self, _name: str, _default: Any = None) -> Table:
        return TABLE


def check_request(operation: str, params: Mapping[str, Any]) -> None:
    """Raise :class:`Refused` for what DynamoDB would not accept."""
    plain = ("Key", "Item", "ExpressionAttributeValues")
    typed = {name: _typed(params[name]) for name in plain if params.get(name)}
    expressions.check_request(operation, {**params, **typed}, _Tables())


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    looks_typed = all(isinstance(v, Mapping) and len(v) == 1 and set(v) <= _TYPES for v in values.values())
    return dict(values) if looks_typed else encode_item(values)
