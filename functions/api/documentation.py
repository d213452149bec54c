"""The API's description of itself: OpenAPI 3.1 from the routes, with what Powertools adds to it put right."""

from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from response_models import Error, GatewayError
from task_type_catalogue import known_types

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.openapi.models import OpenAPI, Operation

TITLE = "Serverless Tasks"
VERSION = "0.1.0"
DESCRIPTION = "Long-running background work with status, progress, history and retries."

_REFUSALS: dict[int, tuple[str, type]] = {
    400: ("The request is malformed. `message` names what is wrong, `details` each field.", Error),
    401: ("No token, or not a valid one.", GatewayError),
    403: ("The token is no ID token with a tenant, or its user may not do this.", Error),
    404: ("Your tenant has no such task.", Error),
    409: ("The task's status does not allow it.", Error),
    413: ("The body has more than 3,000,000 bytes.", Error),
    429: ("Too many requests at once. Ask again in a moment.", GatewayError),
    500: ("Our fault. The message has the request id.", Error),
    503: ("Nobody was there to answer. Ask again in a moment.", GatewayError),
}
_ALWAYS = {401, 403, 429, 500, 503}
_PATH = {"taskType": "$response.body#/type", "code": "$response.body#/code"}
TASK_LINKS = {name: {"operationId": name, "parameters": _PATH} for name in ("getTask", "listSubTasks", "cancelTask")}
"""What may follow once a task is there, for tools that walk through an API."""
NOT_MODIFIED = "What the client has is what there is. There is no body."
IF_NONE_MATCH = "`ETag` of an answer that the client has, or several with commas between them: if one is right, 304."
ETAG = "Tag of what the answer says. Links are new in every answer and change nothing about it."
LOCATION = {"Location": {"description": "The link.", "schema": {"type": "string", "format": "uri"}}}
_TEXT = {"type": "string"}
_NOT_OURS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


class TaskApi(APIGatewayHttpResolver):
    """A resolver whose description is true."""

    def get_openapi_schema(self, **options: Any) -> "OpenAPI":
        """Describe the API as it is, where Powertools describes its own defaults, such as 422."""
        # Imported only here: it is a seventh of the cold start, and most stacks do not publish their description.
        from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, Server

        token = HTTPBearer(bearerFormat="JWT", description="Token of a user, from the issuer that the stack trusts.")
        ours = {
            "title": TITLE,
            "version": VERSION,
            "description": DESCRIPTION,
            # Relative to the description: right behind a stage, behind a custom domain's path, and in the local cloud.
            "servers": [Server(url=".")],
            "security_schemes": {"IdToken": token},
            "security": [{"IdToken": []}],
        }
        document = super().get_openapi_schema(**{**options, **ours})
        document.paths = dict(sorted((document.paths or {}).items()))
        for path in document.paths.values():
            for operation in (path.get, path.post):
                if operation and operation.responses:
                    operation.responses.pop(422)
            if path.get:
                _make_conditional(path.get)
        schemas = (document.components and document.components.schemas) or {}
        for name in _NOT_OURS:
            schemas.pop(name)
        _describe_types(schemas)
        return document

    def publish_description(self) -> None:
        """Answer GET /openapi.json, and GET /docs with Swagger UI, which Powertools brings along."""
        self.enable_swagger(path="/docs", compress=True)

        @self.get("/openapi.json", include_in_schema=False, compress=True)
        def openapi() -> Response[str]:
            return Response(200, APPLICATION_JSON, self.get_openapi_json_schema())


def _make_conditional(operation: "Operation") -> None:
    """Say of a GET what the middleware of :mod:`conditional` makes of it."""
    from aws_lambda_powertools.event_handler.openapi.models import Header, Parameter, Response

    tag = Header.model_validate({"description": ETAG, "schema": _TEXT})
    responses = cast("dict[int, Any]", operation.responses)
    responses[200].headers = {"ETag": tag}
    responses[304] = Response(description=NOT_MODIFIED, headers={"ETag": tag})
    operation.responses = dict(sorted(responses.items()))
    asked = {"name": "If-None-Match", "in": "header", "description": IF_NONE_MATCH, "schema": _TEXT}
    operation.parameters = [*(operation.parameters or ()), Parameter.model_validate(asked)]


def _describe_types(schemas: dict[str, Any]) -> None:
    """Say of each task type that the deployment has what its input looks like."""
    # Imported here, as above.
    from aws_lambda_powertools.event_handler.openapi.models import Schema
    from typed_description import BODIES, described

    known = known_types().view
    bases = {name: schemas[name].model_dump(by_alias=True, exclude_none=True) for name in BODIES.values()}
    for name, made in described(bases, known).items():
        # As it is: Powertools' model would take neither all that JSON Schema has, nor give back what it took.
        schemas[name] = schema = Schema()
        object.__setattr__(schema, "__pydantic_extra__", made)


def returns(status_code: int, description: str, model: type, *refusals: int, **more: Any) -> dict[int, OpenAPIResponse]:
    """Describe what a route answers: the good case, with its ``links`` or ``headers``, and each of the others."""
    good = cast("OpenAPIResponse", {**_response(description, model), **more})
    return {status_code: good} | {code: _response(*_REFUSALS[code]) for code in sorted({*_ALWAYS, *refusals})}


def _response(description: str, model: type) -> OpenAPIResponse:
    return {"description": description, "content": {APPLICATION_JSON: {"model": model}}}
