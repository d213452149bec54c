"""Calls the API's handler with events as API Gateway sends them, and holds every answer against the description."""

import base64
import copy
import gzip
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlencode

from jsonschema import Draft202012Validator

Claims = dict[str, Any]
UNCHECKED = "/openapi.json", "/docs"
"""Routes that the description leaves out."""


def person(name: str, tenant: str = "mbc", *groups: str, **claims: Any) -> Claims:
    """Claims of a user's ID token, as API Gateway passes them on: all strings."""
    written = {"cognito:groups": f"[{' '.join(groups)}]"} if groups else {}
    return {
        "sub": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{tenant}")),
        "cognito:username": name,
        "custom:tenant": tenant,
        "token_use": "id",
        "email_verified": "true",
        "exp": "1795340376",
        "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example",
        **written,
        **claims,
    }


ALICE = person("alice")
BOB_OF_ACME = person("bob", "acme")
DAVE = person("dave")
CAROL_ADMIN = person("carol", "mbc", "task-admin")
RITA_READER = person("rita", "mbc", "task-reader")


ERROR = {"$ref": "#/components/schemas/Error"}


@dataclass
class Answer:
    """What the API answered."""

    status: int
    text: str
    headers: Mapping[str, str]

    @cached_property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass
class LambdaContext:
    function_name: str = "api"
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:api"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Client:
    """A user of the API. ``client.by(BOB_OF_ACME)`` is another one."""

    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    document: dict[str, Any]
    components: dict[str, Any]
    claims: Claims | None = field(default_factory=lambda: ALICE)

    @classmethod
    def of(cls, app: ModuleType, document: dict[str, Any]) -> "Client":
        """Alice at this instance of the function."""
        return cls(app.handler, document, closed(document["components"]))

    def by(self, claims: Claims | None) -> "Client":
        return Client(self.handler, self.document, self.components, claims)

    def get(self, path: str, **query: Any) -> Answer:
        return self.send(event("GET", path, self.claims, query=query))

    def get_with(self, path: str, headers: Mapping[str, str], **query: Any) -> Answer:
        return self.send(event("GET", path, self.claims, query=query, headers=headers))

    def post(self, path: str, body: Any = None) -> Answer:
        return self.send(event("POST", path, self.claims, json.dumps(body)))

    def post_text(self, path: str, text: str | None, **headers: str) -> Answer:
        return self.send(event("POST", path, self.claims, text, headers=headers))

    def post_bytes(self, path: str, content: bytes) -> Answer:
        return self.send({**event("POST", path, self.claims), **encoded(base64.b64encode(content).decode())})

    def create(self, task_type: str, data: Any, **fields: Any) -> dict[str, Any]:
        answer = self.post("/tasks", {"taskType": task_type, "input": data, **fields})
        assert answer.status == 201, answer.text
        return answer.body

    def create_list(self, task_type: str, data: list[Any], **fields: Any) -> dict[str, Any]:
        answer = self.post("/tasks/step-function-task", {"taskType": task_type, "input": data, **fields})
        assert answer.status == 201, answer.text
        return answer.body

    def send(self, request: dict[str, Any]) -> Answer:
        """Send an event, through JSON in both directions, as Lambda does."""
        response = json.loads(json.dumps(self.handler(json.loads(json.dumps(request)), LambdaContext())))
        assert len(json.dumps(response)) < 6_291_556, "Lambda answers 6 MB at most"
        content = response["body"].encode()
        if response["isBase64Encoded"]:
            content = base64.b64decode(content)
        if response["headers"].get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        answer = Answer(response["statusCode"], content.decode(), response["headers"])
        if request["rawPath"] not in UNCHECKED or answer.status >= 400:
            self._check(request["requestContext"]["http"]["method"].lower(), request["rawPath"], answer)
        return answer

    def _check(self, method: str, path: str, answer: Answer) -> None:
        if answer.status == 304:
            assert (answer.text, "Content-Type" in answer.headers) == ("", False)
            return
        assert answer.headers["Content-Type"] == "application/json"
        schema: dict[str, Any] = ERROR
        for template, operations in self.document["paths"].items():
            if method in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                described = operations[method]["responses"]
                assert str(answer.status) in described, (
                    f"{method} {template} does not say that it answers {answer.status}"
                )
                schema = described[str(answer.status)]["content"]["application/json"]["schema"]
                break
        validator = Draft202012Validator({**schema, "components": self.components})
        problems = [f"{error.json_path}: {error.message}"[:500] for error in validator.iter_errors(answer.body)]
        assert not problems
        if answer.status >= 400:
            assert answer.body["statusCode"] == answer.status
            assert "Traceback" not in answer.text


def closed(components: dict[str, Any]) -> dict[str, Any]:
    """Components without room for what they do not describe: clients should bear new properties, we forget none."""
    components = copy.deepcopy(components)
    for schema in components["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return components


def encoded(body: str) -> dict[str, Any]:
    """The parts of an event that say that its body is base64."""
    return {"body": body, "isBase64Encoded": True}


def event(
    method: str,
    path: str,
    claims: Claims | None = None,
    body: str | None = None,
    *,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An event of payload format 2.0, as an HTTP API sends it to a function."""
    domain = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
    authorizer = {"authorizer": {"jwt": {"claims": claims, "scopes": None}}} if claims is not None else {}
    request: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}, doseq=True, quote_via=quote),
        "headers": {"accept": "*/*", "content-type": "application/json", "host": domain, **(headers or {})},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            **authorizer,
            "domainName": domain,
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.7.1",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"{method} {path}",
            "stage": "$default",
            "time": "22/Nov/2026:09:39:36 +0000",
            "timeEpoch": 1795340376000,
        },
        "isBase64Encoded": False,
    }
    if query:  # repeated parameters arrive as one, with commas
        request["queryStringParameters"] = {
            name: ",".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in query.items()
        }
    if body is not None:
        request["body"] = body
    return request
