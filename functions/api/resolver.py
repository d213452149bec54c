"""The resolver: reads bodies strictly, runs a route, tags its answer, and turns every exception into an answer."""

import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from aws_lambda_powertools.event_handler.exceptions import RequestEntityTooLargeError, ServiceError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from input_schemas import UnfitInput
from pydantic.alias_generators import to_camel
from response_models import BoundError, Error, GatewayError
from serverless_tasks import BoundReached, InvalidInput, KeyReused, LostRace, TaskNotFound, TaskOpen, TransitionRefused
from serverless_tasks.adapters.log import logger
from serverless_tasks.core.inputs.json_text import MAX_DEPTH, from_json_text

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.openapi.models import OpenAPI

BODY_LIMIT = 3_000_000
"""Bytes. Lambda takes events of 6 MB, and in them every quote of the body counts twice."""
MAX_DETAILS = 20
"""Problems that an answer lists; a body may have as many as it has bytes."""
MAX_FIELD = 100
"""Characters of a field's name, which the client may have made up."""

Responses = dict[int, OpenAPIResponse]
Middleware = Callable[[APIGatewayHttpResolver, NextMiddleware], Response[Any]]
_Route = TypeVar("_Route", bound=Callable[..., Response[str]])

_WORDS = {"missing": "is missing", "extra_forbidden": "is not a field of this request"}
_REFUSALS: dict[int, tuple[str, type]] = {
    400: ("The request is malformed. `message` names what is wrong, `details` each field.", Error),
    401: ("No token, or not a valid one.", GatewayError),
    403: ("The token is no ID token with a tenant, or its user may not do this.", Error),
    404: ("Your tenant has no such task.", Error),
    409: ("The task's status does not allow it.", Error),
    413: ("The body has more than 3,000,000 bytes.", Error),
    500: ("Our fault. The message has the request id.", Error),
    503: ("The service could not answer. Ask again in a moment.", GatewayError),
}
_THROTTLED = "Too many requests at once. Ask again in a moment."
_ALWAYS = {400, 401, 403, 500, 503}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds. Only where a bound is reached.", "schema": {"type": "integer"}}
}

_SIGNATURE = re.compile(r'\?X-Amz-[^"]*')
_END_OF_LINKS = re.compile(r'"expiresAt":"[^"]*"')
"""New in every answer: the signature of a link, and a time until when links work. (That of a task is a number.)

Both are cut off wherever they are, also in the texts of users. That misses no change: such a text changes with a status
or an attempt, which the answer names, too.
"""
_TAG = re.compile(r'"[^"]*"')
_NO_STORE = {"Cache-Control": "no-store"}
"""Answers are a tenant's: no cache keeps them, not even a browser's. A client asks again with the tag that it has."""


class TaskApi(APIGatewayHttpResolver):
    """The API's resolver. Its description is true where that of Powertools describes its own defaults."""

    def __init__(self) -> None:
        super().__init__(enable_validation=True, json_body_deserializer=read_json_object)
        self.exception_handler(Exception)(self._answer_error)
        self.use([answer_conditionally])

    def task_route(self, method: str, path: str, summary: str, responses: Responses) -> Callable[[_Route], _Route]:
        """Decorator: all that a route is. The function's name is its operation, its docstring the description.

        ``responses`` comes from :func:`returns`.
        """

        def declare(answer: _Route) -> _Route:
            usual = max(code for code in responses if code < 300)
            operation = to_camel(answer.__name__)
            known: dict[str, Any] = {
                "summary": summary,
                "operation_id": operation,
                "status_code": usual,
                "responses": responses,
            }
            strict = [only_parameters(query_parameters(answer))]
            super(TaskApi, self).route(path, method, middlewares=strict, **known)(answer)
            return answer

        return declare

    def get_openapi_schema(self, **options: Any) -> "OpenAPI":
        """The description, put right by :mod:`description`."""
        # Imported only here: it is a seventh of the cold start, and most stacks do not publish their description.
        from description import OPTIONS, corrected

        return corrected(super().get_openapi_schema(**{**options, **OPTIONS}))

    def publish_description(self) -> None:
        """Answer GET /openapi.json, and GET /docs with Swagger UI, which Powertools brings along."""
        self.enable_swagger(path="/docs", compress=True)

        @self.get("/openapi.json", include_in_schema=False, compress=True)
        def openapi() -> Response[str]:
            return Response(200, APPLICATION_JSON, self.get_openapi_json_schema())

    def _answer_error(self, error: Exception) -> Response[Any]:
        match error:
            case RequestValidationError():
                return _invalid_request(error.errors())
            case UnfitInput():
                return _malformed(error.problems)
            case InvalidInput():
                return _malformed({error.field: error.reason})
            case UnicodeDecodeError():
                return _malformed({"body": _foreign(error.object) or f"is not UTF-8 at byte {error.start + 1}"})
            case binascii.Error() | UnicodeError():
                return _malformed({"body": "is not base64"})
            case TaskNotFound():
                return _error(404, str(error))
            case TransitionRefused() | TaskOpen() | KeyReused():
                return _error(409, str(error))
            case BoundReached():
                logger.append_keys(tenantCode=error.tenant_code, bound=error.bound)
                return _error(429, str(error), headers={"Retry-After": str(error.retry_after)})
            case LostRace():
                return _error(409, "the task was changed at the same time; ask again")
            case ServiceError():
                return _error(int(error.status_code), str(error.msg))
        logger.exception("unexpected error")
        request_id = self.current_event["requestContext"].get("requestId")
        return _error(500, f"this should not have happened; the log has more under request id {request_id}")


def returns(status_code: int, description: str, model: type, *refusals: int, **more: Any) -> Responses:
    """Describe the answers of a route: the good case, with its ``links`` or ``headers``, and each refusal."""
    good = cast("OpenAPIResponse", {**_response(description, model), **more})
    throttled = _bounded() if 429 in refusals else _response(_THROTTLED, GatewayError)
    refused = {code: _response(*_REFUSALS[code]) for code in {*_ALWAYS, *refusals} - {429}}
    return {status_code: good, **dict(sorted({**refused, 429: throttled}.items()))}


def said_to_be_json(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with the one content type that there is: a client need not name it."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return {**event, "headers": {**headers, "content-type": "application/json"}}


def read_json_object(body: str) -> dict[str, Any]:
    """The body as an object. Raises for a body that is too long, not JSON, nested too deep, or no object."""
    size = len(body.encode(errors="surrogatepass"))
    if size > BODY_LIMIT:
        raise RequestEntityTooLargeError(f"the body has {size} bytes, {BODY_LIMIT} are allowed")
    try:
        value = from_json_text(body, "body", MAX_DEPTH + 1)  # the object itself is the level around its input
    except InvalidInput as error:
        if words := _foreign(body[:10].encode(errors="replace")):
            raise InvalidInput("body", words) from error
        raise
    if not isinstance(value, dict):
        raise InvalidInput("body", "must be a JSON object")
    return value


def _foreign(head: bytes) -> str | None:
    from serverless_tasks.core.inputs.encodings import foreign  # not at the start: a broken body is rare

    return foreign(head)


def query_parameters(route: Callable[..., Any]) -> list[str]:
    """Names of the query parameters that a route declares, in its order."""
    found = ((name, getattr(kind, "__metadata__", ())) for name, kind in route.__annotations__.items())
    return [part.alias or name for name, parts in found for part in parts if isinstance(part, Query)]


def only_parameters(known: Sequence[str]) -> Middleware:
    """Middleware: refuse a query parameter of another name. Ignored, a typing error would list everything."""
    takes = f"it takes {', '.join(known)}" if known else "it takes none"

    def refuse(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
        given = app.current_event.query_string_parameters or {}
        unknown = {name: f"is not a query parameter of this request; {takes}" for name in given if name not in known}
        return _malformed(unknown) if unknown else next_middleware(app)

    return refuse


def answer_conditionally(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """Middleware: tag every 200 of a GET, and answer 304 in its place where ``If-None-Match`` names the tag."""
    response = next_middleware(app)
    if app.current_event.http_method != "GET" or response.status_code != 200:
        return response
    tag = _tag(str(response.body))
    headers = {"ETag": tag, **_NO_STORE}
    if _is_known(tag, app.current_event.headers.get("if-none-match") or ""):
        return Response(304, body="", headers=headers, compress=False)
    response.headers.update(headers)
    return response


def _tag(text: str) -> str:
    """A weak tag: answers that say the same have the same, though their bytes may differ."""
    lasting = _END_OF_LINKS.sub("", _SIGNATURE.sub("", text))
    return f'W/"{hashlib.sha256(lasting.encode(errors="surrogatepass")).hexdigest()[:32]}"'


def _is_known(tag: str, known: str) -> bool:
    """Whether the header names the tag, weak or strong, or any (RFC 9110, section 13.1.2)."""
    return known.strip() == "*" or tag.removeprefix("W/") in _TAG.findall(known)


def _bounded() -> OpenAPIResponse:
    """The 429 of a route that counts: there, a user or a tenant may reach a bound."""
    words = f"{_THROTTLED} Or a bound of the user or the tenant is reached; then `Retry-After` says when to ask again."
    return cast("OpenAPIResponse", {**_response(words, BoundError), "headers": _RETRY_AFTER})


def _response(description: str, model: type) -> OpenAPIResponse:
    return {"description": description, "content": {APPLICATION_JSON: {"model": model}}}


def _invalid_request(problems: Iterable[dict[str, Any]]) -> Response[Any]:
    found: dict[str, str] = {}
    for problem in problems:
        where, *field = problem["loc"]
        if where == "path":
            return _error(404, "there is no such task: that is no task type, or no code")
        # Fields are one level deep; below, pydantic goes on with the alternatives that it tried.
        found.setdefault(str(field[0] if field else where), _WORDS.get(problem["type"], problem["msg"]))
    return _malformed(found)


def _malformed(problems: Mapping[str, str]) -> Response[Any]:
    details = [{"field": field[:MAX_FIELD], "message": text} for field, text in islice(problems.items(), MAX_DETAILS)]
    return _error(400, "; ".join(f"{detail['field']}: {detail['message']}" for detail in details), details)


def _error(
    status_code: int,
    message: str,
    details: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:
    body = {"statusCode": status_code, "message": message, **({"details": details} if details else {})}
    return Response(status_code, APPLICATION_JSON, body, headers=dict(headers or {}))
