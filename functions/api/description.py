"""The API's description of itself: OpenAPI 3.1 as Powertools makes it of the routes, put right.

It gains the conditional GET, and the task types of the deployment: bodies by type, and schemas of their inputs.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from aws_lambda_powertools.event_handler.openapi.models import (
    Header,
    HTTPBearer,
    OpenAPI,
    Operation,
    Parameter,
    Response,
    Schema,
    Server,
)
from serverless_tasks import TaskKind
from task_type_catalogue import known_types

Json = dict[str, Any]
Types = Mapping[str, Any]

BODIES = {TaskKind.TASK: "NewTask", TaskKind.SFN_TASK: "NewStepFunctionTask"}
"""Names of the schemas of the bodies that create a task, by its kind."""
_OURS = "#/components/schemas/"
_THEIRS = "#/$defs/"


VERSION = "0.1.0"
OPTIONS: Mapping[str, Any] = {
    "title": "Serverless Tasks",
    "version": VERSION,
    "description": "Long-running background work with status, progress, history and retries.",
    # Relative to the description: right behind a stage, behind a custom domain's path, and in the local cloud.
    "servers": [Server(url=".")],
    "security_schemes": {
        "IdToken": HTTPBearer(bearerFormat="JWT", description="Token of a user, from the issuer that the stack trusts.")
    },
    "security": [{"IdToken": []}],
}
"""What Powertools is to say of the API as a whole."""
NOT_MODIFIED = "What the client has is what there is. There is no body."
IF_NONE_MATCH = "`ETag` of an answer that the client has, or several with commas between them: if one is right, 304."
ETAG = "Tag of what the answer says. Links are new in every answer and change nothing about it."
_TEXT = {"type": "string"}
_NOT_OURS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


def corrected(document: OpenAPI) -> OpenAPI:
    """The document as the API is, without Powertools' own defaults such as 422."""
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


def _make_conditional(operation: Operation) -> None:
    """Describe what :func:`resolver.answer_conditionally` makes of a GET."""
    tag = Header.model_validate({"description": ETAG, "schema": _TEXT})
    responses = cast("dict[int, Any]", operation.responses)
    responses[200].headers = {"ETag": tag}
    responses[304] = Response(description=NOT_MODIFIED, headers={"ETag": tag})
    operation.responses = dict(sorted(responses.items()))
    asked = {"name": "If-None-Match", "in": "header", "description": IF_NONE_MATCH, "schema": _TEXT}
    operation.parameters = [*(operation.parameters or ()), Parameter.model_validate(asked)]


def _describe_types(schemas: dict[str, Any]) -> None:
    """Describe the input of each task type that the deployment has."""
    bases = {name: schemas[name].model_dump(by_alias=True, exclude_none=True) for name in BODIES.values()}
    for name, made in described(bases, known_types().view).items():
        # As it is: Powertools' model would take neither all that JSON Schema has, nor give back what it took.
        schemas[name] = schema = Schema()
        object.__setattr__(schema, "__pydantic_extra__", made)


def described(schemas: Mapping[str, Json], types: Types) -> dict[str, Json]:
    """Schemas that replace or extend those of an API with these task types.

    ``schemas``: those that there are. ``types``: the answer of GET /task-types.
    """
    found: dict[str, Json] = {}
    for kind, name in BODIES.items():
        items = [item for item in types["items"] if kind in item["kinds"]]
        if not items:
            continue
        base, typed = schemas[name], [item for item in items if kind in item["inputSchemas"]]
        bodies = {f"{name}.{item['taskType']}": _typed_body(base, kind, item) for item in typed}
        others = {item["taskType"] for item in items} - {item["taskType"] for item in typed}
        if others or not types["complete"]:
            known = None if not types["complete"] else others
            bodies[f"{name}.untyped"] = _untyped_body(base, known, [item["taskType"] for item in typed])
        head = {part: base[part] for part in ("title", "description")}
        found |= {name: {**head, "oneOf": [{"$ref": _OURS + body} for body in bodies]}, **bodies}
        for item in typed:
            found |= _input_schemas(_prefix(kind, item), item["inputSchemas"][kind])
    return found


def _typed_body(base: Json, kind: TaskKind, item: Json) -> Json:
    name, own = item["taskType"], {"$ref": _OURS + _prefix(kind, item)}
    given = own if kind is TaskKind.TASK else {**base["properties"]["input"], "items": own}
    examples = item["inputSchemas"][kind].get("examples", [])
    inputs = examples if kind is TaskKind.TASK else [[example] for example in examples]
    body = _body(base, {"const": name}, {"input": given}, [{"taskType": name, "input": one} for one in inputs])
    return {**body, "title": name, "description": item.get("description", base["description"])}


def _untyped_body(base: Json, known: Iterable[str] | None, typed: list[str]) -> Json:
    """``known``: the names of all that are untyped; None where there may be more of them."""
    name: Json = {**base["properties"]["taskType"], **({"not": {"enum": typed}} if typed else {})}
    if known is not None:
        name = {"enum": sorted(known)}
    examples = [one for one in base["examples"] if one["taskType"] not in typed]
    return _body(base, name, {}, [one for one in examples if known is None or one["taskType"] in known])


def _body(base: Json, name: Json, fields: Json, examples: list[Json]) -> Json:
    body = {**base, "properties": {**base["properties"], "taskType": name, **fields}}
    del body["examples"]
    return {**body, "examples": examples} if examples else body


def _prefix(kind: TaskKind, item: Json) -> str:
    return f"{item['taskType']}.{kind}"


def _input_schemas(prefix: str, schema: Json) -> dict[str, Json]:
    """The schema and what it defines, each by a name of its own, with what they refer to by those names."""
    definitions = schema.get("$defs", {})
    own = {key: value for key, value in schema.items() if key != "$defs"}
    parts = {prefix: own, **{f"{prefix}.{name}": part for name, part in definitions.items()}}
    return {name: _renamed(part, f"{_OURS}{prefix}.") for name, part in parts.items()}


def _renamed(node: Any, prefix: str) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(value, prefix) for key, value in node.items()}
    if isinstance(node, list):
        return [_renamed(value, prefix) for value in node]
    if isinstance(node, str) and node.startswith(_THEIRS):
        return prefix + node.removeprefix(_THEIRS)
    return node
