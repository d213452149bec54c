"""Request bodies: JSON, strictly, before anything else looks at them."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler.exceptions import RequestEntityTooLargeError
from serverless_tasks import InvalidInput
from serverless_tasks.core.inputs.json_text import MAX_DEPTH, from_json_text

BODY_LIMIT = 3_000_000
"""Bytes. Lambda takes events of 6 MB, and in them every quote of the body counts twice."""


def said_to_be_json(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with the one content type that there is: a client need not name it."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return {**event, "headers": {**headers, "content-type": "application/json"}}


def read_json_object(body: str) -> dict[str, Any]:
    """The body as an object. Raises for what is too long, not JSON, nested too deep, or no object."""
    size = len(body.encode(errors="surrogatepass"))
    if size > BODY_LIMIT:
        raise RequestEntityTooLargeError(f"the body has {size} bytes, {BODY_LIMIT} are allowed")
    value = from_json_text(body, "body", MAX_DEPTH + 1)  # the object itself is the level around its input
    if not isinstance(value, dict):
        raise InvalidInput("body", "must be a JSON object")
    return value
