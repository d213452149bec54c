"""HTTP, and the rules for repeating a request.

A request may be repeated if a second one changes nothing: every GET, and a POST with an ``Idempotency-Key``. Any other
is repeated only if it surely was not carried out: no connection, or 429. A 429 with ``Retry-After`` is never repeated:
the user has reached a bound of the stack, which leaves room in minutes, not in a moment.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from tasks_cli.addresses import host_of, require_loopback
from tasks_cli.errors import Unreachable

TIMEOUT = (5.0, 35.0)
"""Seconds to connect, and between two bytes. API Gateway answers within 30 seconds, if only that it gave up."""
TRIES = 5
BACKOFF = 0.3
"""Seconds: 0.3, 0.6, 1.2, 2.4 and 4.8, plus up to as much at random, so that many clients do not come at once."""
LATER = (429, 502, 503, 504)
"""Ask again in a moment. 500 is our own fault, which another request would only meet again."""


class RetryUnlessBounded(Retry):
    """Decides on a repetition as its base does, but for a bound that is reached."""

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Whether to send the request again after this status."""
        reached = status_code == HTTPStatus.TOO_MANY_REQUESTS and has_retry_after
        return not reached and super().is_retry(method, status_code, has_retry_after)


_REPEATED = RetryUnlessBounded(
    TRIES, backoff_factor=BACKOFF, backoff_jitter=BACKOFF, status_forcelist=LATER, allowed_methods=None,
    raise_on_status=False, retry_after_max=30,
)  # fmt: skip
_CAREFUL = RetryUnlessBounded(
    TRIES, read=0, other=0, backoff_factor=BACKOFF, backoff_jitter=BACKOFF, status_forcelist=(429,),
    allowed_methods=None, raise_on_status=False, respect_retry_after_header=False,
)  # fmt: skip


class Bearer(AuthBase):
    """Sends a token as ``auth``, not as a header: requests would replace a header by the credentials of ``.netrc``."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Nobody(AuthBase):
    """Sends no credentials, not those of ``.netrc`` either: a signed link with another authorization is refused."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


class Transport:
    """Sends requests. ``local``: to this machine only, past every proxy."""

    def __init__(self, *, local: bool) -> None:
        self._local = local
        self._repeating = _session(_REPEATED, local)
        self._careful = _session(_CAREFUL, local)

    def send(
        self, method: str, url: str, *, repeat: bool, auth: AuthBase, headers: Mapping[str, str], **options: Any
    ) -> requests.Response:
        """Send a request and return any answer, a redirect too. Raises :class:`Unreachable`."""
        if self._local:
            require_loopback(url)
        session = self._repeating if repeat else self._careful
        try:
            return session.request(
                method, url, auth=auth, headers=dict(headers), timeout=TIMEOUT, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise Unreachable(f"{host_of(url)} does not answer ({reason(error)})") from error


def reason(error: Exception) -> str:
    """The kind of error: its own text has the whole address, and with it a link's signature."""
    match error:
        case requests.exceptions.SSLError():
            return "no secure connection"
        case requests.Timeout():
            return "timeout"
        case requests.exceptions.ProxyError():
            return "the proxy refuses"
        case requests.ConnectionError():
            return "no connection"
    return type(error).__name__


def adapter(retry: Retry) -> BaseAdapter:
    """The adapter of requests. Tests replace it."""
    return HTTPAdapter(max_retries=retry)


def _session(retry: Retry, local: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = not local  # a proxy must not come between this machine and itself
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter(retry))
    return session
