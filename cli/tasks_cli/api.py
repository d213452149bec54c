"""The HTTP API of a stack, with a method for each route."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

import requests

from tasks_cli import answers
from tasks_cli.answers import Shape
from tasks_cli.errors import BadInput, CliError, NotAllowed, NotFound, Unreachable
from tasks_cli.transport import Bearer, Transport

PAGE = 100
"""Items of a page, the most that the API takes."""

Json = dict[str, Any]


class Tokens(Protocol):
    """Where ID tokens come from."""

    def token(self) -> str:
        """A token that is good for a minute or longer."""

    def renew(self) -> str:
        """Another one: the API did not take the last."""


@dataclass(frozen=True)
class Ref:
    """Which task: its type and code."""

    task_type: str
    code: str

    @classmethod
    def of(cls, task: Json) -> "Ref":
        """The type and code of this task."""
        return cls(task["type"], task["code"])

    def __str__(self) -> str:
        return f"{self.task_type}/{self.code}"

    @property
    def path(self) -> str:
        """Path of the task's route."""
        return f"/tasks/{quote(self.task_type, safe='')}/{quote(self.code, safe='')}"


@dataclass(frozen=True)
class Answer:
    """The API's answer. ``body`` is None if it has none."""

    status: int
    body: Any
    etag: str | None


class TaskApi:
    """Creates, reads and controls tasks as one user."""

    def __init__(self, url: str, tokens: Tokens, transport: Transport) -> None:
        self._url = url.rstrip("/")
        self._tokens = tokens
        self.transport = transport

    def create_task(self, task_type: str, name: str | None, given: Any) -> Json:
        """Create a single task."""
        return self._create("/tasks", {"taskType": task_type, **_named(name), "input": given})

    def create_fan_out(self, task_type: str, name: str | None, input_ref: str) -> Json:
        """Create a Step Functions task of an upload."""
        return self._create("/tasks/step-function-task", {"taskType": task_type, **_named(name), "inputRef": input_ref})

    def create_upload(self, written: str) -> Json:
        """Ask for a link for an input. A repeated request only leaves an unused link."""
        return self._body("POST", "/uploads", answers.UPLOAD, body={"format": written}, repeat=True)

    def tasks(self, *, page: int = PAGE, **filters: str | None) -> Iterator[Json]:
        """Tasks, newest first, page by page as they are asked for."""
        return self._pages("/tasks", page, filters, answers.TASK)

    def sub_tasks(self, ref: Ref, status: str | None = None, *, page: int = PAGE) -> Iterator[Json]:
        """Sub-tasks in input order, page by page as they are asked for."""
        return self._pages(f"{ref.path}/sub-tasks", page, {"status": status}, answers.SUB_TASK)

    def task(self, ref: Ref) -> Json:
        """The task of either kind."""
        return self._body("GET", ref.path)

    def look(self, ref: Ref, etag: str | None) -> Answer:
        """The task, or 304 if it is still the one with this tag."""
        answer = self.call("GET", ref.path, headers={"If-None-Match": etag} if etag else {})
        if answer.status != HTTPStatus.NOT_MODIFIED:
            answers.check(f"GET {ref.path}", answer.body, answers.TASK)
        return answer

    def results(self, ref: Ref) -> Json:
        """Links to all outcomes. A single link is a redirect, and in the body, too."""
        return self._body("GET", f"{ref.path}/results", answers.LINKS)

    def cancel(self, ref: Ref) -> Json:
        """Stop a task."""
        return self._body("POST", f"{ref.path}/cancel")

    def retry(self, ref: Ref) -> Json:
        """Begin a new run."""
        return self._body("POST", f"{ref.path}/retry")

    def task_types(self) -> Json:
        """The deployment's task types. Raises :class:`NotFound` if it is too old to list them."""
        return self._body("GET", "/task-types", answers.TYPES)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        repeat: bool | None = None,
    ) -> Answer:
        """Send a request as the user; with another token, if the first one is refused. Raises :class:`CliError`."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        options: Json = {
            "repeat": method == "GET" if repeat is None else repeat,
            "headers": sent,
            "params": parameters,
            "data": None if body is None else json.dumps(body, allow_nan=False).encode(),
        }
        url = self._url + path
        response = self.transport.send(method, url, auth=Bearer(self._tokens.token()), **options)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            response = self.transport.send(method, url, auth=Bearer(self._tokens.renew()), **options)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise _refused(response)
        return Answer(response.status_code, answers.read(response), response.headers.get("ETag"))

    def _body(self, method: str, path: str, shape: Shape = answers.TASK, **options: Any) -> Json:
        body: Json = self.call(method, path, **options).body
        if not isinstance(body, dict):
            raise Unreachable(f"{method} {path}: the answer is not from this API; is the address right?")
        answers.check(f"{method} {path}", body, shape)
        return body

    def _create(self, path: str, body: Json) -> Json:
        """Create one task, however often the request is sent: the key is new for each command."""
        return self._body("POST", path, body=body, headers={"Idempotency-Key": str(uuid.uuid4())}, repeat=True)

    def _pages(self, path: str, limit: int, filters: Mapping[str, str | None], item: Shape) -> Iterator[Json]:
        parameters = {"limit": str(min(limit, PAGE)), **{name: value for name, value in filters.items() if value}}
        while True:
            page = self._body("GET", path, answers.page(item), parameters=parameters)
            yield from page["items"]
            if "cursor" not in page:
                return
            if page["cursor"] == parameters.get("cursor"):
                raise Unreachable(f"GET {path}: the answer is odd: a page is followed by itself")
            parameters["cursor"] = page["cursor"]


def _named(name: str | None) -> Json:
    return {} if name is None else {"name": name}


def _is_detail(value: Any) -> bool:
    return isinstance(value, dict) and {"field", "message"} <= value.keys()


def _refused(response: requests.Response) -> CliError:
    """The error of an answer: API Gateway has only a message, we also have details."""
    body, status = answers.read(response), response.status_code
    said: Mapping[str, Any] = body if isinstance(body, dict) else {}
    listed = said.get("details")
    details = [
        f"{one['field']}: {one['message']}" for one in (listed if isinstance(listed, list) else []) if _is_detail(one)
    ]
    message = "the API refuses the request" if details else str(said.get("message", f"the API answers {status}"))
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return NotAllowed(f"not signed in: {message}; sign in with `tasks login`")
        case HTTPStatus.FORBIDDEN:
            return NotAllowed(f"not allowed: {message}", details)
        case HTTPStatus.NOT_FOUND:
            return NotFound(message, details)
    answered = f"{message} ({status})"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(answered, details)
    return BadInput(answered, details)
