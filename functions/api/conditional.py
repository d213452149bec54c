"""Conditional requests: what a GET answers has a tag, and is not sent to a client that has it already."""

import hashlib
import re
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

_SIGNATURE = re.compile(r'\?X-Amz-[^"]*')
_END_OF_LINKS = re.compile(r'"expiresAt":"[^"]*"')
"""What is new in every answer: the signature of a link, and a time until when links work. (That of a task is a number.)

Both are cut off wherever they are, also in what users wrote. That misses no change: what they wrote changes with a
status or an attempt, which the answer names, too.
"""
_TAG = re.compile(r'"[^"]*"')
_KEPT_BY_NOBODY = {"Cache-Control": "no-store"}
"""Answers are a tenant's: no cache keeps them, not even a browser's. Who asks again names the tag of what it has."""


def answer_conditionally(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """Middleware: tag every 200 of a GET, and answer 304 in its place where ``If-None-Match`` names the tag."""
    response = next_middleware(app)
    if app.current_event.http_method != "GET" or response.status_code != 200:
        return response
    tag = _tag(str(response.body))
    headers = {"ETag": tag, **_KEPT_BY_NOBODY}
    if _is_known(tag, app.current_event.headers.get("if-none-match") or ""):
        return Response(304, body="", headers=headers, compress=False)
    response.headers.update(headers)
    return response


def _tag(text: str) -> str:
    """A weak tag: answers that say the same have the same, though not every byte of theirs is."""
    lasting = _END_OF_LINKS.sub("", _SIGNATURE.sub("", text))
    return f'W/"{hashlib.sha256(lasting.encode(errors="surrogatepass")).hexdigest()[:32]}"'


def _is_known(tag: str, known: str) -> bool:
    """Whether the header names the tag, weak or strong, or any (RFC 9110, section 13.1.2)."""
    return known.strip() == "*" or tag.removeprefix("W/") in _TAG.findall(known)
