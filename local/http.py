"""One HTTP call to the local API, for tests and scripts: any status is an answer, not an error."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from local.isolation import require_loopback


class _StayHere(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A redirect is an answer, too; following it would carry the token elsewhere."""


_open = build_opener(ProxyHandler({}), _StayHere).open


@dataclass(frozen=True)
class Answer:
    """The API's answer; body is the parsed JSON, or text if it is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


def request(
    method: str, url: str, body: Any = None, *, token: str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send a request; body becomes JSON, but bytes go unchanged."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    try:
        with _open(Request(require_loopback(url), data, sent, method=method), timeout=120) as response:  # noqa: S310
            return _answer(response.status, response.headers, response.read())
    except HTTPError as error:
        with error:
            return _answer(error.code, error.headers, error.read())


def _answer(status: int, headers: Any, content: bytes) -> Answer:
    try:
        body = json.loads(content)
    except ValueError:
        body = content.decode(errors="replace")
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)
