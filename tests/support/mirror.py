"""A pytest plugin: what the tests ask of moto's DynamoDB, they ask of dynalite, too, and both answers are compared.

``MIRROR``: the port of dynalite on this machine, and behind a comma the file that the differences are written to, a
line of JSON each.
"""

import copy
import json
import os
import socket
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.models import botocore_stubber
from pytest_socket import enable_socket

from tests.support.clients import driver_client, worker_client

JUDGED = ("PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem")
UNJUDGED = {
    "TransactWriteItems": "dynalite has no transactions; the writes of one that succeeded are made one by one",
    "ReturnValuesOnConditionCheckFailure": "dynalite does not return the old item",
    "UpdateTimeToLive": "dynalite has no TTL",
    "StreamSpecification": "dynalite has no streams",
    "LastEvaluatedKey": "moto gives none where Limit is reached with the last item, and cuts pages of 1 MB elsewhere",
}
"""What is asked of moto alone, or of dynalite in another way."""
_COMPARED = ("Item", "Items", "Attributes", "Responses", "Count", "LastEvaluatedKey")
_KEPT = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
_ASKED = "mirror: asked"
_one_at_a_time = Lock()
"""The first plan writes chunks from many threads, and sockets are allowed to all of them or to none."""


def pytest_configure(config: pytest.Config) -> None:
    """Listen to both clients, before anybody else does."""
    port, _, file = os.environ["MIRROR"].partition(",")
    mirror = _Mirror(int(port), Path(file))
    for client in (driver_client("dynamodb"), worker_client("dynamodb")):
        client.meta.events.register("before-parameter-build.dynamodb", mirror.hear)
        client.meta.events.register("after-call.dynamodb", mirror.compare)


class _Mirror:
    def __init__(self, port: int, file: Path) -> None:
        self._client: Any = boto3.client(
            "dynamodb",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )
        self._client.meta.events.unregister("before-send", botocore_stubber)  # moto's, which every client has
        self._file = file
        self._tables: dict[str, str] = {}
        self._made = 0

    def hear(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_ASKED] = copy.deepcopy(params)

    def compare(self, parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
        with _one_at_a_time:
            allowed = socket.socket
            enable_socket()  # dynalite's, which the tests have no use for
            try:
                self._compare(parsed, model, context[_ASKED])
            finally:
                socket.socket = allowed  # type: ignore[misc]  # some tests allow them, too

    def _compare(self, parsed: Mapping[str, Any], model: Any, asked: Mapping[str, Any]) -> None:
        if model.name == "CreateTable":
            self._create(asked)
        elif model.name == "TransactWriteItems" and "Error" not in parsed:
            self._write(asked["TransactItems"])
        elif model.name in JUDGED:
            answered = _answered(parsed, unordered=model.name == "Scan")
            mirrored = self._answered(model.name, asked)
            line = {"operation": model.name, "asked": asked, "moto": answered, "dynalite": mirrored}
            with self._file.open("a", encoding="utf-8") as file:
                file.write(
                    json.dumps({"operation": model.name} if _agree(answered, mirrored) else line, default=str) + "\n"
                )

    def _create(self, asked: Mapping[str, Any]) -> None:
        """A table of its own for each that moto makes: all of them have one name."""
        self._made += 1
        name = f"{asked['TableName']}-{os.getpid()}-{self._made}"
        self._tables[asked["TableName"]] = name
        self._client.create_table(TableName=name, **{key: asked[key] for key in _KEPT if key in asked})
        self._client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 0.01, "MaxAttempts": 500})

    def _write(self, items: list[Mapping[str, Any]]) -> None:
        for item in items:
            for kind, given in item.items():
                if kind != "ConditionCheck":
                    values = ("TableName", "Key", "Item", "UpdateExpression", "ExpressionAttributeNames")
                    asked = {name: given[name] for name in (*values, "ExpressionAttributeValues") if name in given}
                    if kind == "Put":
                        asked = {name: given[name] for name in ("TableName", "Item")}
                    self._answered(f"{kind}Item", asked)

    def _answered(self, operation: str, asked: Mapping[str, Any]) -> Any:
        given = {name: value for name, value in asked.items() if name not in UNJUDGED}
        if "TableName" in given:
            given["TableName"] = self._tables[given["TableName"]]
        else:
            given["RequestItems"] = {self._tables[name]: value for name, value in given["RequestItems"].items()}
        method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation)[1:]
        try:
            answer = getattr(self._client, method)(**given)
        except ClientError as error:
            return _answered(error.response)
        names = {mirrored: name for name, mirrored in self._tables.items()}
        return _answered(answer, names, unordered=operation == "Scan")


def _agree(moto: Any, dynalite: Any) -> bool:
    """Whether they say the same, or one of them ends a page earlier and says so."""
    if moto == dynalite:
        return True
    if isinstance(moto, str) or isinstance(dynalite, str) or "Items" not in {*moto} & {*dynalite}:
        return False
    shorter, longer = sorted((moto, dynalite), key=lambda answered: len(answered["Items"]))
    begins = longer["Items"][: len(shorter["Items"])] == shorter["Items"]
    return begins and (len(moto["Items"]) == len(dynalite["Items"]) or "LastEvaluatedKey" in shorter)


def _answered(answer: Mapping[str, Any], names: Mapping[str, str] | None = None, unordered: bool = False) -> Any:
    """What an answer says, without what may differ: the order of a scan does."""
    if "Error" in answer:
        return answer["Error"]["Code"]
    answered = {name: _plain(answer[name]) for name in _COMPARED if answer.get(name)}
    if "Items" in answered and unordered:
        answered["Items"] = sorted(answered["Items"], key=_sorted_text)
    if "Responses" in answered:
        found = {(names or {}).get(table, table): items for table, items in answered["Responses"].items()}
        answered["Responses"] = {table: sorted(items, key=_sorted_text) for table, items in found.items() if items}
    return {name: value for name, value in answered.items() if value}


def _sorted_text(item: Any) -> str:
    return json.dumps(item, sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    """Sets in order, numbers in one form."""
    match value:
        case {"N": number}:
            return {"N": str(Decimal(number).normalize())}
        case {"SS": elements}:
            return {"SS": sorted(elements)}
        case {"NS": elements}:
            return {"NS": sorted(str(Decimal(element).normalize()) for element in elements)}
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    return value
