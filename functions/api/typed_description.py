"""The task types of a deployment in its OpenAPI description: bodies by type, and schemas of their inputs."""

from collections.abc import Iterable, Mapping
from typing import Any

from serverless_tasks import TaskKind

Json = dict[str, Any]
Types = Mapping[str, Any]

BODIES = {TaskKind.TASK: "NewTask", TaskKind.SFN_TASK: "NewStepFunctionTask"}
"""Names of the schemas of what creates a task, by its kind."""
_OURS = "#/components/schemas/"
_THEIRS = "#/$defs/"


def described(schemas: Mapping[str, Json], types: Types) -> dict[str, Json]:
    """Schemas that take the place of, or come to, those of an API which knows these task types.

    ``schemas``: those that there are. ``types``: what GET /task-types answers.
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


def _renamed(node: Any, place: str) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(value, place) for key, value in node.items()}
    if isinstance(node, list):
        return [_renamed(value, place) for value in node]
    if isinstance(node, str) and node.startswith(_THEIRS):
        return place + node.removeprefix(_THEIRS)
    return node
