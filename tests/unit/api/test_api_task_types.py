"""The task types of the deployment: listed, and what does not fit them refused before it is a task."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import BaseModel, Discriminator, Field, Tag, TypeAdapter

from tests.unit.api.client import RITA_READER


class Box(BaseModel):
    """A recursive one, with alternatives."""

    size: int | None = None
    inside: list["Box"] = []
    day: str = Field(default="2026-01-01", json_schema_extra={"format": "date"})
    at: str = Field(default="2026-01-01T10:00:00Z", json_schema_extra={"format": "date-time"})


class Named(BaseModel, extra="forbid"):
    name: str


SCHEMAS = {"box": Box.model_json_schema(), "named": Named.model_json_schema()}
BOTH = ["TASK", "SFN_TASK"]
TYPES = [
    {"taskType": "named", "kinds": ["TASK"], "inputSchemas": {"TASK": SCHEMAS["named"]}},
    {"taskType": "box", "kinds": BOTH, "inputSchemas": dict.fromkeys(BOTH, SCHEMAS["box"]), "description": "Boxes."},
    {"taskType": "cat", "kinds": BOTH, "inputSchemas": {}},
    {"taskType": "list-only", "kinds": ["SFN_TASK"], "inputSchemas": {}},
]

Deploy = Callable[..., None]


@pytest.fixture
def deploy(app, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """``deploy(types)`` puts the layer in place that says so."""
    known = sys.modules["known_types"].known_types

    def deploy(items: list[Any] = TYPES, *, complete: bool = True, own_factories: str = "false") -> None:
        folder = tmp_path / "deployed_task_types"
        folder.mkdir()
        (folder / "manifest.json").write_text(json.dumps({"items": items, "complete": complete}))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("OWN_FACTORIES", own_factories)
        importlib.invalidate_caches()
        known.cache_clear()

    yield deploy
    sys.modules.pop("deployed_task_types", None)
    known.cache_clear()


def refused(answer: Any) -> dict[str, str]:
    """What is wrong, by field."""
    assert answer.status == 400, answer.text
    return {detail["field"]: detail["message"] for detail in answer.body["details"]}


def one(api, task_type: str, value: Any):
    return api.post("/tasks", {"taskType": task_type, "input": value})


def many(api, task_type: str, values: list[Any]):
    return api.post("/tasks/step-function-task", {"taskType": task_type, "input": values})


def test_lists_them_by_name_for_everybody_who_is_signed_in(api, deploy: Deploy):
    deploy()
    answer = api.by(RITA_READER).get("/task-types")
    assert answer.status == 200
    assert [item["taskType"] for item in answer.body["items"]] == ["box", "cat", "list-only", "named"]
    assert answer.body["items"][0] == TYPES[1]
    assert answer.body["complete"] is True
    assert api.by({"sub": "somebody"}).get("/task-types").status == 403


def test_a_type_that_is_not_there_is_refused_naming_those_that_are(api, deploy: Deploy):
    deploy()
    words = "is none that this deployment has: box, cat, list-only, named"
    assert refused(one(api, "dog", 1)) == refused(many(api, "dog", [1])) == {"taskType": words}
    assert api.get("/tasks").body["items"] == []


def test_many_types_are_not_all_named(api, deploy: Deploy):
    deploy([{"taskType": f"t{number:03}", "kinds": BOTH, "inputSchemas": {}} for number in range(100)])
    assert refused(one(api, "dog", 1))["taskType"].endswith("t018, t019 and 80 more")


def test_without_any_it_says_so(api, deploy: Deploy):
    deploy([])
    assert refused(one(api, "dog", 1)) == {"taskType": "is none that this deployment has: it has none"}


def test_a_type_without_a_handler_of_the_kind_is_refused_naming_the_other_route(api, deploy: Deploy):
    deploy()
    assert "create it with POST /tasks/step-function-task" in refused(one(api, "list-only", 1))["taskType"]
    assert refused(many(api, "named", []))["taskType"].endswith("create it with POST /tasks")
    assert many(api, "list-only", [1]).status == 201


@pytest.mark.parametrize("given", [{"complete": False}, {"own_factories": "true"}])
def test_where_there_may_be_others_every_type_is_taken(api, deploy: Deploy, given: dict[str, Any]):
    deploy(**given)
    assert api.get("/task-types").body["complete"] is False
    assert (one(api, "dog", 1).status, one(api, "list-only", 1).status) == (201, 201)


def test_without_the_layer_every_type_is_taken(api):
    assert api.get("/task-types").body == {"items": [], "complete": False}
    assert one(api, "dog", 1).status == 201


def test_an_own_factory_may_make_another_input_of_it(api, deploy: Deploy):
    deploy(own_factories="true")
    assert one(api, "box", {"size": "large"}).status == 201


def test_a_list_that_is_not_complete_still_knows_inputs(api, deploy: Deploy):
    deploy(complete=False)
    assert list(refused(one(api, "box", {"size": "large"}))) == ["input.size"]


# ---------------------------------------------------------------- inputs


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ({"size": "large"}, {"input.size": 'is not of type "integer", and is not of type "null"'}),
        ({"inside": [{}, {"inside": [{"size": 1.5}]}]}, {"input.inside[1].inside[0].size": None}),
        ({"day": "2026-02-30"}, {"input.day": 'is not a "date"'}),
        ({"at": "noon"}, {"input.at": 'is not a "date-time"'}),
        ([], {"input": 'is not of type "object"'}),
        (None, {"input": 'is not of type "object"'}),
        ({"size": True, "day": 5}, {"input.size": None, "input.day": 'is not of type "string"'}),
        ({"size": "\ud800"}, {"input": None}),
    ],
)
def test_an_input_that_does_not_fit_is_refused_by_its_field(api, deploy: Deploy, value: Any, problems: dict[str, Any]):
    deploy()
    found = refused(one(api, "box", value))
    assert found.keys() == problems.keys()
    assert all(found[field] == words for field, words in problems.items() if words)
    assert api.get("/tasks").body["items"] == []


def test_missing_and_unknown_fields_are_named(api, deploy: Deploy):
    deploy()
    found = refused(one(api, "named", {"nmae": "Rex"}))
    assert found == {"input.name": "is missing", "input.nmae": "is not a field of this input"}


@pytest.mark.parametrize(
    "value",
    [{}, {"size": None}, {"at": "2026-01-01 10:00"}, {"inside": [{"inside": [{}]}]}, {"size": 10**40}, {"more": 1}],
)
def test_an_input_that_fits_is_taken(api, deploy: Deploy, value: Any):
    deploy()
    assert one(api, "box", value).body["input"] == value


def test_elements_are_named_by_their_place_and_only_some_of_them(api, deploy: Deploy):
    deploy()
    values: list[Any] = [{"size": 1}] * 5000
    values[1234], values[4321] = {"size": "x"}, 7
    assert list(refused(many(api, "box", values))) == ["input[1234].size", "input[4321]"]
    assert len(refused(many(api, "box", [0] * 500))) == 20
    assert many(api, "box", [{}] * 5000).status == 201


def test_no_value_is_in_a_message(api, deploy: Deploy):
    deploy()
    answer = one(api, "box", {"size": "secret", "day": "secret", "inside": "secret"})
    assert answer.status == 400
    assert "secret" not in answer.text


def test_an_upload_is_the_workers_to_check(api, deploy: Deploy, cloud):
    deploy()
    upload = api.post("/uploads", {}).body
    cloud.payloads.put(upload["inputRef"], '{"size": "x"}\n')
    body = {"taskType": "box", "inputRef": upload["inputRef"]}
    assert api.post("/tasks/step-function-task", body).status == 201
    assert refused(api.post("/tasks/step-function-task", {**body, "taskType": "dog"}))


@pytest.mark.parametrize("schema", [{"type": "nothing"}, {"$ref": "https://example.com/schema"}])
def test_a_schema_that_cannot_be_used_is_the_workers_to_check(api, deploy: Deploy, log, schema: dict[str, Any]):
    deploy([{"taskType": "odd", "kinds": ["TASK"], "inputSchemas": {"TASK": schema}}])
    assert one(api, "odd", 1).status == 201
    assert "a schema cannot be used" in [line["message"] for line in log()]


TAGGED = {
    "oneOf": [
        {"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind"]},
        {"type": "object", "properties": {"kind": {"const": "b"}, "n": {"type": "string"}}, "required": ["kind"]},
    ]
}


def test_of_alternatives_the_one_that_was_meant_is_told(api, deploy: Deploy):
    deploy([{"taskType": "tagged", "kinds": ["TASK"], "inputSchemas": {"TASK": TAGGED}}])
    assert refused(one(api, "tagged", {"kind": "b", "n": 1})) == {"input.n": 'is not of type "string"'}
    assert refused(one(api, "tagged", {"kind": "c"})) == {"input.kind": '"a" was expected, and "b" was expected'}
    assert refused(one(api, "tagged", {"n": 1})) == {"input.kind": "is missing"}
    assert refused(one(api, "tagged", 1)) == {"input": 'is not of type "object"'}


class Odd(BaseModel):
    n: int
    oneOf: list[int] = []  # noqa: N815  # a field of that name is none of JSON Schema's words


class Even(BaseModel):
    n: int
    more: int = 0


Found = Annotated[
    Annotated[Odd, Tag("odd")] | Annotated[Even, Tag("even")],
    Discriminator(lambda value: "even" if "more" in value else "odd"),
]


def test_of_alternatives_that_a_function_tells_apart_several_may_fit(api, deploy: Deploy):
    schema = TypeAdapter(Found).json_schema()
    deploy([{"taskType": "found", "kinds": BOTH, "inputSchemas": dict.fromkeys(BOTH, schema)}])
    assert one(api, "found", {"n": 1}).status == many(api, "found", [{"n": 1}, {"n": 1, "more": 2}]).status == 201
    assert refused(one(api, "found", {"n": "x"})) == {"input.n": 'is not of type "integer"'}
    assert refused(one(api, "found", {"n": 1, "oneOf": ["x"], "more": "x"})).keys() == {"input"}


def test_one_that_fits_too_many_alternatives_is_refused_in_words(api, deploy: Deploy):
    both = {"anyOf": [{"type": "integer"}], "oneOf": [{"minimum": 1}, {"minimum": 2}]}
    deploy([{"taskType": "both", "kinds": ["TASK"], "inputSchemas": {"TASK": both}}])
    assert one(api, "both", 1).status == 201
    assert "more than one" in refused(one(api, "both", 2))["input"]


@pytest.mark.parametrize(
    ("form", "taken", "wrong"),
    [
        ("uuid", ["0b1c8b6e-5d3a-4e53-9d0a-6f3e8b2c1d4f", "0b1c8b6e5d3a4e539d0a6f3e8b2c1d4f"], "0b1c"),
        ("uri", ["https://example.com/", "https://example.com/straße?a b"], "example"),
    ],
)
def test_what_pydantic_takes_for_a_format_is_taken(api, deploy: Deploy, form: str, taken: list[str], wrong: str):
    deploy([{"taskType": "form", "kinds": BOTH, "inputSchemas": {kind: {"format": form} for kind in BOTH}}])
    assert many(api, "form", taken).status == 201
    assert refused(one(api, "form", wrong)) == {"input": f'is not a "{form}"'}


def test_of_a_large_element_only_the_first_problem_is_looked_for(app):
    inputs = sys.modules["inputs"]
    schema = inputs.InputSchema({"type": "array", "items": {"type": "string"}})
    for values, told in (([[1] * 100_000], 1), ([["a"]] * 100_000 + [[1]], 1), ([[1]] * 100_000, 20)):
        with pytest.raises(inputs.UnfitInput) as raised:
            schema.check_each(values)
        assert len(raised.value.problems) == told


# ---------------------------------------------------------------- description


def description(api) -> dict[str, Any]:
    answer = api.by(None).get("/openapi.json")
    validate(answer.body)
    return answer.body["components"]["schemas"]


def body_fits(schemas: dict[str, Any], name: str, **body: Any) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return Draft202012Validator(schema).is_valid(body)


BODIES: list[tuple[str, Any]] = [
    *[
        ("named", {"name": "Rex"}),
        ("named", {}),
        ("box", {"inside": [{"size": 1}]}),
        ("box", {"inside": [{"size": "x"}]}),
    ],
    *[("cat", 1), ("dog", 1), ("list-only", 1)],
]


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("kind", ["NewTask", "NewStepFunctionTask"])
def test_a_deployments_description_says_which_bodies_are_taken(api, deploy: Deploy, kind: str, complete: bool):
    deploy(complete=complete)
    schemas = description(api)
    for task_type, value in BODIES:
        given = value if kind == "NewTask" else [value]
        answer = (one if kind == "NewTask" else many)(api, task_type, given)
        assert body_fits(schemas, kind, taskType=task_type, input=given) == (answer.status == 201), (task_type, value)
    assert not body_fits(schemas, kind, taskType="cat")
    assert not body_fits(schemas, kind, taskType="cat", input=[1], more=1)
    assert kind == "NewTask" or body_fits(schemas, kind, taskType="box", inputRef="uploads/mbc/1.jsonl")


def test_a_types_example_is_a_body(api, deploy: Deploy):
    schema = {**SCHEMAS["box"], "examples": [{"size": 3}]}
    deploy([{"taskType": "box", "kinds": BOTH, "inputSchemas": dict.fromkeys(BOTH, schema)}])
    schemas = description(api)
    assert schemas["NewTask.box"]["examples"] == [{"taskType": "box", "input": {"size": 3}}]
    assert schemas["NewStepFunctionTask.box"]["examples"] == [{"taskType": "box", "input": [{"size": 3}]}]
    assert "NewTask.untyped" not in schemas


@pytest.mark.filterwarnings("ignore:.*swagger-ui:pytest.PytestUnraisableExceptionWarning")
def test_the_page_shows_them_too(api, deploy: Deploy):
    deploy()
    assert "NewStepFunctionTask.box" in api.by(None).get("/docs").text
