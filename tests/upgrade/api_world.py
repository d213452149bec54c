"""The stack over moto, with the API's own function: what goes over the wire, and what clients are answered."""

import importlib
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from types import ModuleType
from typing import Any
from unittest.mock import patch

from boto3.dynamodb.types import TypeSerializer
from serverless_tasks.testing import registered

from tests.support.clients import driver_client
from tests.support.moto_stack import MotoStack
from tests.support.snapshot import all_items
from tests.unit.api import client
from tests.upgrade.played_types import define
from tests.upgrade.states import from_iso, item_of, plain, to_iso
from tests.upgrade.world import Json, codes_of_the_clock, filled_in

PEOPLE = {
    "alice": client.ALICE,
    "bob": client.BOB_OF_ACME,
    "carol": client.CAROL_ADMIN,
    "dave": client.DAVE,
    "nobody": None,
}
ENVIRONMENT = {
    "TABLE_NAME": "tasks",
    "BUCKET_NAME": "payloads",
    "API_DOCS": "true",
    "AWS_DEFAULT_REGION": "eu-central-1",
}
SENT = {"sqs": {"ReceiptHandle"}, "sns": set(), "events": set(), "stepfunctions": set()}
"""Services whose requests others read, and what of these moto makes up."""
MADE_UP = ((r"(https://[^?\s]+)\?\S*", r"\1?…"), (r"-[0-9a-f]{32}\.json", f"-{'0' * 32}.json"))
"""Signatures of links and UUIDs of objects, and what is written for them."""


class ApiWorld(MotoStack):
    """The stack; :func:`api_world` makes it."""

    api: ModuleType

    def __init__(self) -> None:
        super().__init__(EventBusName="default", FastLane="false")  # what was recorded had none
        self.calls_of_handlers: list[str] = []
        self.asked = 0

    def ask(self, by: str, method: str, path: str, body: Any = None, **more: Any) -> Json:
        """The status, headers and body that the API answers."""
        text = None if body is None else json.dumps(body)
        event = client.event(method, path, PEOPLE[by], text, **more)
        self.asked += 1
        event["requestContext"]["requestId"] = f"request-{self.asked}"
        context = client.LambdaContext()
        self.clouds["api"].meter.begin(context.memory_limit_in_mb)  # which the handler does for its own cloud
        response = self.api.handler(event, context)
        headers = {name: _known(value) for name, value in response["headers"].items()}
        headers = {name: "…" if name == "ETag" else value for name, value in headers.items()}
        answer = json.loads(response["body"])
        if "openapi" in answer:  # as it is published, it is in docs/openapi.json: here are the operations
            answer = {
                f"{m} {path}": given["operationId"]
                for path, all_of in answer["paths"].items()
                for m, given in all_of.items()
            }
        return {"status": response["statusCode"], "headers": headers, "body": _known(answer)}

    def put(self, key: str, text: str) -> None:
        """Put an object into the bucket, as a client with an upload's link may."""
        driver_client("s3").put_object(Bucket="payloads", Key=key, Body=text.encode())

    def sent(self) -> dict[str, list[Json]]:
        """What was sent to queue, topics, bus and state machine so far, by operation."""
        found: dict[str, list[Json]] = {}
        for call in self.calls.made:
            if call.service in SENT:
                params = {name: "…" if name in SENT[call.service] else given for name, given in call.params.items()}
                found.setdefault(f"{call.function} {call.service} {call.operation}", []).append(_known(plain(params)))
        return found

    def kept(self) -> Json:
        """All that it takes to go on from here."""
        now = {"asked": self.asked, "clock": to_iso(self.clock.now), "calls": list(self.calls_of_handlers)}
        return {**now, "state": self.state()}

    def state(self) -> Json:
        """What is in table, bucket, queue and stream, and where executions are."""
        machines = {machine.context["Execution"]["Name"]: machine for machine in self.state_machine.running()}
        bucket = driver_client("s3").list_objects_v2(Bucket="payloads").get("Contents", ())
        state = plain(
            {
                "items": {f"{item['pk']} {item['sk']}": item for item in all_items()},
                "objects": {listed["Key"]: _object(listed["Key"]) for listed in bucket},
                "queue": [message.body for message in self._messages()],
                "records": [{"eventName": r["eventName"], "dynamodb": _image(r)} for r in self.stream.waiting()],
                "executions": {name: {"next": m.next, "data": m.data} for name, m in machines.items()},
            }
        )
        known: Json = _known(state)
        return known

    def take_up(self, kept: Json, definition: str) -> None:
        """Go on from what another version has left; its executions go on by their definition."""
        state, self.asked, self.clock.now = kept["state"], kept["asked"], from_iso(kept["clock"])
        self.calls_of_handlers += kept["calls"]
        for item in state["items"].values():
            driver_client("dynamodb").put_item(TableName="tasks", Item=_typed(item_of(item)))
        while self.stream.waiting():
            self.stream.records.clear()
        self.stream.records += state["records"]
        for key, text in state["objects"].items():
            self.put(key, text)
        for body in state["queue"]:
            self.send(body)
        for name, given in state["executions"].items():
            start = {part: given["data"][part] for part in ("pk", "sk", "run")}
            machine = self.resources.name("FanOutStateMachine")
            driver_client("stepfunctions").start_execution(stateMachineArn=machine, name=name, input=json.dumps(start))
        for machine in self.state_machine.running():
            given = state["executions"][machine.context["Execution"]["Name"]]
            machine.definition = filled_in(definition, self.resources.arn)
            machine.next, machine.data = given["next"], given["data"]


@contextmanager
def api_world() -> Iterator[ApiWorld]:
    """A stack with the API's function, the task types of the scenarios, and nothing random."""
    with (
        patch.dict(os.environ, ENVIRONMENT),
        registered(),
        codes_of_the_clock(),
        ApiWorld() as world,
    ):
        sys.modules.pop("app", None)  # of a test with an environment of its own
        world.api = importlib.import_module("app")
        world.api.cloud, world.api.service = world.clouds["api"], world.service
        define(_Handlers(world))
        try:
            yield world
        finally:
            del sys.modules["app"]


class _Handlers:
    """What handlers see of it."""

    def __init__(self, world: ApiWorld) -> None:
        self.clock, self.service, self.calls = world.clock, world.service, world.calls_of_handlers


def _known(value: Any) -> Any:
    """The same without what is made up."""
    match value:
        case dict():
            return {_known(name): _known(inner) for name, inner in value.items()}
        case list():
            return [_known(inner) for inner in value]
        case str():
            for pattern, known in MADE_UP:
                value = re.sub(pattern, known, value)
    return value


def _object(key: str) -> str:
    text: bytes = driver_client("s3").get_object(Bucket="payloads", Key=key)["Body"].read()
    return text.decode()


def _typed(item: Json) -> Json:
    """The item as DynamoDB takes it, which has no floats."""
    exact = json.loads(json.dumps(item, default=sorted), parse_float=Decimal)
    return {
        name: TypeSerializer().serialize(item[name] if isinstance(item[name], frozenset) else exact[name])
        for name in item
    }


def _image(record: Json) -> Json:
    return {name: record["dynamodb"][name] for name in ("Keys", "NewImage", "OldImage") if name in record["dynamodb"]}
