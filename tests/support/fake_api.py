"""An HTTP API for tests of the command line: it says what it was told to, and keeps what it was asked."""

import base64
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter

Json = dict[str, Any]

URL = "https://api.example.com/base"


@dataclass(frozen=True)
class Asked:
    """A request, as it would have gone out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Path below the API's address."""
        return urlsplit(self.url).path.removeprefix("/base")

    @property
    def query(self) -> dict[str, str]:
        """Its parameters."""
        return dict(parse_qsl(urlsplit(self.url).query))

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class FakeApi(BaseAdapter):
    """Stands in for what carries requests. For each method and path, answers in their order; the last one stays."""

    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    def says(self, method: str, path: str, *answers: Any) -> None:
        """Have answers ready: a body (200), a status with a body and headers, or an exception."""
        self.answers[method, path] = list(answers)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer."""
        body = request.body
        sent = b"".join(body) if hasattr(body, "__iter__") and not isinstance(body, bytes | str) else body
        asked = Asked(
            request.method or "",
            request.url or "",
            request.headers,
            sent.encode() if isinstance(sent, str) else sent or b"",
        )
        self.asked.append(asked)
        ready = self.answers.get((asked.method, asked.path), [(404, {"message": "Not Found"})])
        answer = ready.pop(0) if len(ready) > 1 else ready[0]
        answer = answer() if isinstance(answer, Callable) else answer  # type: ignore[arg-type]
        if isinstance(answer, Exception):
            raise answer
        status, given, *headers = answer if isinstance(answer, tuple) else (200, answer)
        return _response(request, status, given, headers[0] if headers else {})

    def close(self) -> None:
        """Nothing is open."""


def _response(request: requests.PreparedRequest, status: int, given: Any, headers: Mapping[str, str]) -> Any:
    response = requests.Response()
    response.status_code, response.url, response.request = status, request.url or "", request
    response.headers.update(headers)
    response.raw = given if hasattr(given, "read") else io.BytesIO(_content(given))
    return response


def _content(given: Any) -> bytes:
    if given is None or isinstance(given, bytes):
        return given or b""
    return json.dumps(given).encode()


def token(seconds: float = 3600, **claims: Any) -> str:
    """An ID token that ends in so many seconds. Nobody has signed it."""
    said = {"exp": int(time.time() + seconds), "cognito:username": "alice", "custom:tenant": "mbc", **claims}
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, said, {}))


def task(status: str = "CREATED", version: int = 0, **more: Any) -> Json:
    """A single task, as the API shows it."""
    entry = {"status": status, "at": "2026-01-01T00:00:00.000Z", "attempt": 0}
    return {
        "id": "TASK#mbc#cat#01KAFSV4XG4DXWKE1B8G6F0J2T",
        "kind": "TASK",
        "code": "01KAFSV4XG4DXWKE1B8G6F0J2T",
        "type": "cat",
        "name": "Feed",
        "status": status,
        "version": version,
        "attempt": 1,
        "run": 0,
        "input": {"key": "value1"},
        "attributes": {},
        "history": [entry],
        "createdAt": "2026-01-01T00:00:00.000Z",
        "usage": {"estimatedUsd": 0.000014},
        **more,
    }


def fan_out(status: str = "PROCESSING", succeeded: int = 0, failed: int = 0, count: int = 4, **more: Any) -> Json:
    """A Step Functions task, as the API shows it."""
    attributes = {
        "subTaskCount": count,
        "subTaskSucceedCount": succeeded,
        "subTaskFailedCount": failed,
        "subTaskRunningCount": count - succeeded - failed if status == "PROCESSING" else 0,
        "progress": (succeeded + failed) / count,
        **more.pop("attributes", {}),
    }
    version = {"PROCESSING": 2}.get(status, 4)
    return task(status, version, kind="SFN_TASK", attributes=attributes, **more)
