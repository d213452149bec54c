"""What DynamoDB refuses in the expressions of a request.

:func:`check_request` takes the parameters of a client call, values typed, and raises :class:`Refused`. Rules: DynamoDB
developer guide ("Using expressions", "Reserved words", "Constraints") and the service's error texts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from local.gate.dynamodb.grammar import Parser, Refused, condition, key_condition, projection, refuse, update
from local.gate.dynamodb.tables import Table
from local.gate.dynamodb.values import check_item, check_key, check_value, item_bytes

__all__ = ["Refused", "check_request"]

EXPRESSIONS = {
    "UpdateItem": {"UpdateExpression", "ConditionExpression"},
    "PutItem": {"ConditionExpression"},
    "DeleteItem": {"ConditionExpression"},
    "GetItem": {"ProjectionExpression"},
    "Query": {"KeyConditionExpression", "FilterExpression", "ProjectionExpression"},
    "Scan": {"FilterExpression", "ProjectionExpression"},
}
WITHIN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "DeleteItem",
    "Get": "GetItem",
}
MAX_EXPRESSION_BYTES = 4096
MAX_PLACEHOLDER = 255
MAX_BATCH_READ = 100
MAX_BATCH_WRITE = 25
MAX_TRANSACTION = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
READ = {
    "UpdateExpression": update,
    "ConditionExpression": condition,
    "FilterExpression": condition,
    "KeyConditionExpression": key_condition,
    "ProjectionExpression": projection,
}
Tables = Mapping[str, Table]


def check_request(operation: str, params: Mapping[str, Any], tables: Tables) -> None:
    """Raise :class:`Refused` for what DynamoDB would not accept. Operations that take no expression pass.

    ``tables``: what is known of tables, by name; of others, keys and indexes are not checked.
    """
    if operation == "BatchGetItem":
        _check_batch_read(params["RequestItems"], tables)
    elif operation == "BatchWriteItem":
        _check_batch_write(params["RequestItems"], tables)
    elif operation in ("TransactWriteItems", "TransactGetItems"):
        _check_transaction(params["TransactItems"], tables)
    elif operation in EXPRESSIONS:
        _Request(operation, params, tables.get(_name(params))).check()


def _check_batch_read(asked: Mapping[str, Any], tables: Tables) -> None:
    if sum(len(each["Keys"]) for each in asked.values()) > MAX_BATCH_READ:
        refuse("too many items requested for the BatchGetItem call")
    for table, each in asked.items():
        _check_distinct([(table, key) for key in each["Keys"]], "provided list of item keys contains duplicates")
        for key in each["Keys"]:
            check_request("GetItem", {**each, "Key": key, "TableName": table}, tables)


def _check_batch_write(asked: Mapping[str, Any], tables: Tables) -> None:
    if not 0 < sum(len(each) for each in asked.values()) <= MAX_BATCH_WRITE:
        refuse(f"a batch writes 1 to {MAX_BATCH_WRITE} items")
    for table, entries in asked.items():
        _check_distinct(
            [_target(table, entry, tables) for entry in entries], "provided list of item keys contains duplicates"
        )
        for entry in entries:
            for kind, request in entry.items():
                operation = "PutItem" if kind == "PutRequest" else "DeleteItem"
                check_request(operation, {**request, "TableName": table}, tables)


def _check_transaction(items: list[Mapping[str, Any]], tables: Tables) -> None:
    if not 0 < len(items) <= MAX_TRANSACTION:
        refuse(f"a transaction has 1 to {MAX_TRANSACTION} items")
    for item in items:
        for kind, request in item.items():
            check_request(WITHIN_TRANSACTION[kind], request, tables)
    _check_distinct(
        [_target(_name(next(iter(each.values()))), each, tables) for each in items],
        "transaction request cannot include multiple operations on one item",
    )
    if sum(item_bytes(each["Put"]["Item"]) for each in items if "Put" in each) > MAX_TRANSACTION_BYTES:
        refuse("collection size of the transaction has exceeded the maximum allowed size")


def _target(table: str, entry: Mapping[str, Any], tables: Tables) -> tuple[str, Any]:
    """Which item it is about."""
    (request,) = entry.values()
    key = request.get("Key") or request["Item"]
    known = tables.get(table.rpartition("/")[2])
    return table, {name: key.get(name) for name in known.keys} if known else key


def _check_distinct(targets: list[tuple[str, Any]], problem: str) -> None:
    if len({repr((table, sorted(key.items()))) for table, key in targets}) < len(targets):
        refuse(problem)


def _name(params: Mapping[str, Any]) -> str:
    return str(params.get("TableName", "")).rpartition("/")[2]


@dataclass
class _Substitutions:
    """As of :class:`local.gate.dynamodb.grammar.Substitutions`."""

    names: dict[str, str]
    values: dict[str, dict[str, Any]]
    key: dict[str, Any]
    indexed: set[str]
    used: set[str] = field(default_factory=set)


@lru_cache(maxsize=1024)
def _placeholders(
    expressions: tuple[tuple[str, str], ...],
    names: tuple[tuple[str, str], ...],
    kinds: tuple[tuple[str, str], ...],
    key: tuple[str, ...],
    indexed: frozenset[str],
) -> frozenset[str]:
    """Read the expressions of a request, each of which comes again and again with other values; what they use."""
    given = _Substitutions(
        dict(names), {value: {kind: None} for value, kind in kinds}, dict.fromkeys(key), set(indexed)
    )
    for name, text in expressions:
        if not 0 < len(text.encode()) <= MAX_EXPRESSION_BYTES:
            refuse(f"{name} has {len(text)} characters")
        parser = Parser(given, text)
        READ[name](parser)
        parser.end()
    return frozenset(given.used)


class _Request:
    """One request, whose expressions share names and values."""

    def __init__(self, operation: str, params: Mapping[str, Any], table: Table | None) -> None:
        self.operation = operation
        self.params = params
        self.table = table
        self.expressions = {name: text for name, text in params.items() if name.endswith("Expression")}
        self.names: dict[str, str] = dict(params.get("ExpressionAttributeNames", {}))
        self.values: dict[str, Any] = dict(params.get("ExpressionAttributeValues", {}))
        self.key: dict[str, Any] = dict(params.get("Key", {}))
        self.item: dict[str, Any] = dict(params.get("Item", {}))
        index = table.indexes.get(params.get("IndexName", "")) if table else None
        self.indexed = (index.attributes if index else None) or frozenset()
        self.of_global_index = index is not None and index.is_global

    def check(self) -> None:
        """Raise :class:`Refused` if anything is wrong."""
        self._check_parameters()
        used = _placeholders(
            tuple(self.expressions.items()),
            tuple(self.names.items()),
            tuple((placeholder, next(iter(value))) for placeholder, value in self.values.items()),
            tuple(self.key),
            self.indexed,
        )
        if unused := {*self.names, *self.values} - used:
            refuse(f"unused in expressions: {sorted(unused)}")
        keys = self.table.keys if self.table else ()
        problems = [check_value(value) for value in self.values.values()]
        for problem in (*problems, check_item(self.item, keys), check_key(self.key, keys), self._index_key_problem()):
            if problem:
                refuse(problem)

    def _check_parameters(self) -> None:
        if foreign := set(self.expressions) - EXPRESSIONS[self.operation]:
            refuse(f"{self.operation} takes no {foreign}")
        for what in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            if what in self.params and not self.params[what]:
                refuse(f"{what} must not be empty")
        for placeholder in (*self.names, *self.values):
            if not re.fullmatch(r"[#:][A-Za-z0-9_]+", placeholder) or len(placeholder) > MAX_PLACEHOLDER:
                refuse(f"{placeholder!r} is no placeholder")
        if self.params.get("Limit", 1) < 1:
            refuse("Limit must be at least 1")
        if self.of_global_index and self.params.get("ConsistentRead"):
            refuse("consistent reads are not supported on global secondary indexes")
        if self.table and self.key and set(self.key) != set(self.table.keys):
            refuse("the provided key element does not match the schema")

    def _index_key_problem(self) -> str | None:
        """Of a new item, an index key that is empty or no scalar."""
        for name in self.table.indexed & self.item.keys() if self.table else ():
            (kind, value), *_ = self.item[name].items()
            if kind not in ("S", "N", "B") or value in ("", b""):
                return f"the index key {name} must be a text, a number or bytes, and not empty"
        return None
