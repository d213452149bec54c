"""Inputs that do not fit their task type are refused before they are tasks, by their fields."""

import sys
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Discriminator, Tag, TypeAdapter

from tests.unit.api.deployed import BOTH, Deploy, many, one, refused


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


def test_of_alternatives_the_answer_names_the_one_that_was_meant(api, deploy: Deploy):
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
    inputs = sys.modules["input_schemas"]
    schema = inputs.InputSchema({"type": "array", "items": {"type": "string"}})
    for values, named in (([[1] * 100_000], 1), ([["a"]] * 100_000 + [[1]], 1), ([[1]] * 100_000, 20)):
        with pytest.raises(inputs.UnfitInput) as raised:
            schema.check_each(values)
        assert len(raised.value.problems) == named
