"""The HTTP API of Serverless Tasks, as any program would call it: JSON and a bearer token."""

import json
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

SECONDS = 60

Json = dict[str, Any]

_open = build_opener(ProxyHandler({})).open  # past a proxy: the local cloud is on loopback


class ApiError(Exception):
    """The API refused a request, or did not answer."""


class TaskApi:
    """Creates and reads the tasks of one user."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def create_task(self, task_type: str, name: str, data: Any) -> Json:
        """Create a task: one handler call."""
        return self._call("POST", "/tasks", {"taskType": task_type, "name": name, "input": data})

    def create_step_function_task(self, task_type: str, name: str, data: Sequence[Any]) -> Json:
        """Create a Step Functions task: one sub-task for every element."""
        return self._call("POST", "/tasks/step-function-task", {"taskType": task_type, "name": name, "input": data})

    def get_task(self, task: Json) -> Json:
        """Read a task again."""
        return self._call("GET", self._path(task))

    def list_sub_tasks(self, task: Json, **query: Any) -> list[Json]:
        """Read sub-tasks of a Step Functions task in the order of its input."""
        items: list[Json] = self._call("GET", f"{self._path(task)}/sub-tasks?{urlencode(query)}")["items"]
        return items

    @staticmethod
    def _path(task: Json) -> str:
        return f"/tasks/{quote(task['type'])}/{quote(task['code'])}"

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, data, self._headers, method=method)  # noqa: S310, the stack's own address
        try:
            with _open(request, timeout=SECONDS) as answer:
                result: Json = json.load(answer)
                return result
        except HTTPError as refused:
            raise ApiError(f"{method} {path}: {refused.code} {_message(refused)}") from None
        except (OSError, HTTPException, ValueError) as problem:
            raise ApiError(f"{method} {path}: {problem}") from None


def _message(refused: HTTPError) -> str:
    text = refused.read().decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text or str(refused.reason)
