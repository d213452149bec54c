"""The console's forms: from a schema to fields, from what is typed to an input.

The modules run where they are used, in a browser, each from the file that the stack serves.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.browser import Browser

PLACE = {
    "type": "object",
    "required": ["lat"],
    "properties": {"lat": {"type": "number", "minimum": -90, "maximum": 90}},
}


@pytest.fixture(scope="module")
def form(page: Browser, files: str) -> Callable[..., Any]:
    """What becomes of a schema's form: ``form(schema, typed)`` puts drafts in by name and reads the value."""
    script = """
        const [base, schema, typed] = args;
        const { fieldOf } = await import(`${base}/core/schema.js`);
        const { draftOf, valueOf } = await import(`${base}/core/draft.js`);
        const field = fieldOf(schema);
        const draft = draftOf(field);
        for (const [name, text] of Object.entries(typed)) draft.fields[name] = text;
        return { field, draft, ...valueOf(field, draft) };
    """
    return lambda schema, typed: page.module(script, files, schema, typed)


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": "number"}, "number"),
        ({"type": "integer"}, "integer"),
        ({"type": "boolean"}, "boolean"),
        ({"enum": ["a", 1, None]}, "choice"),
        ({"const": 1}, "constant"),
        (PLACE, "object"),
        ({"type": "array", "items": {"type": "string"}}, "list"),
        ({"type": "array"}, "json"),
        ({"type": "array", "items": {"type": "string"}, "prefixItems": [{"type": "integer"}]}, "json"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "json"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "json"),
        ({"type": ["string", "integer"]}, "json"),
        ({"$ref": "https://elsewhere.example/schema"}, "json"),
        ({}, "json"),
        (True, "json"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:40],
)
def test_a_schema_becomes_a_field(call, schema, kind):
    assert call("core/schema", "fieldOf", schema)["kind"] == kind


def test_references_are_followed_and_null_is_taken_out(call):
    schema = {
        "$defs": {"Place": PLACE},
        **of(place={"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}], "title": "Where"}),
    }
    [place] = call("core/schema", "fieldOf", schema)["fields"]
    assert (place["field"]["kind"], place["field"]["nullable"], place["field"]["label"]) == ("object", True, "Where")
    assert place["field"]["fields"][0]["field"]["rules"] == {"minimum": -90, "maximum": 90}


def test_what_contains_itself_ends_as_json(call):
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": of(next={"$ref": "#/$defs/Node"}, name={"type": "string"})}}
    node = call("core/schema", "fieldOf", schema)
    assert {inner["name"]: inner["field"]["kind"] for inner in node["fields"]} == {"next": "json", "name": "text"}


def test_a_form_gives_the_value_that_was_typed(form):
    schema = of(name={"type": "string"}, size={"type": "number"}, count={"type": "integer"}, unit={"enum": ["m", "h"]})
    found = form(schema, {"name": "Rex", "size": "1.5", "count": "-3", "unit": "1"})
    assert (found["value"], found["problems"]) == ({"name": "Rex", "size": 1.5, "count": -3, "unit": "h"}, {})


def test_a_time_is_typed_in_the_zone_of_the_reader_and_sent_in_utc(form):
    schema = of(at={"type": "string", "format": "date-time", "default": "2026-06-21T12:34:56Z"})
    found = form(schema, {})
    assert found["value"] == {"at": "2026-06-21T12:34:56Z"}
    assert "Z" not in found["draft"]["fields"]["at"]


def test_what_is_optional_may_be_left_out_and_keeps_its_default(form):
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "unit": {"type": "string", "default": "hours"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "place": PLACE,
            "sure": {"type": "boolean"},
        },
    }
    assert form(schema, {})["value"] == {"unit": "hours"}


def test_what_is_required_and_may_be_null_is_null(form):
    found = form(of(at={"anyOf": [{"type": "string"}, {"type": "null"}]}), {})
    assert (found["value"], found["problems"]) == ({"at": None}, {})


@pytest.mark.parametrize(
    ("schema", "typed", "problem"),
    [
        ({"type": "string"}, "", "is missing"),
        ({"type": "string", "maxLength": 2}, "🐈🐈🐈", "must be at most 2 characters"),
        ({"type": "number"}, "many", "is not a number"),
        ({"type": "number"}, " ", "is not a number"),
        ({"type": "integer"}, "1.5", "is not a whole number"),
        ({"type": "integer"}, "9007199254740993", "is too large for this form; write the input as JSON"),
        ({"type": "integer", "minimum": 1}, "0", "must be at least 1"),
        ({"type": "number", "exclusiveMaximum": 1}, "1", "must be less than 1"),
        ({"type": "string", "format": "date-time"}, "yesterday", "is not a time"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, [], "must be at least 1 entries"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(form, schema, typed, problem):
    assert form(of(it=schema), {"it": typed})["problems"] == {"it": problem}


def test_a_problem_has_the_path_of_its_field(form):
    schema = of(places={"type": "array", "items": PLACE})
    broken = [{"given": True, "fields": {"lat": "1"}}, {"given": True, "fields": {"lat": "91"}}]
    assert form(schema, {"places": broken})["problems"] == {"places[1].lat": "must be at most 90"}


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("input", ""),
        ("input.place.lat", "place.lat"),
        ("input[17].lat", "[17].lat"),
        ("input.17.lat", "[17].lat"),
        ("name", "#name"),
        ("inputRef", "#inputRef"),
    ],
)
def test_a_field_of_the_answer_is_found_in_the_form(call, field, path):
    assert call("core/draft", "pathOf", field) == path


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ({"lat": 1.5}, True),
        ({"lat": 1.5, "more": 1}, False),
        ({"lat": "1.5"}, False),
        ({"lat": 91}, True),
        ([1], False),
        (None, False),
    ],
    ids=json.dumps,
)
def test_a_form_is_shown_only_where_it_would_lose_nothing(page, files, value, fits):
    script = """
        const [base, schema, value] = args;
        const { fieldOf } = await import(`${base}/core/schema.js`);
        return (await import(`${base}/core/draft.js`)).fits(fieldOf(schema), value);
    """
    assert page.module(script, files, PLACE, value) is fits


def test_elements_are_a_json_list_or_json_lines(call):
    assert call("core/elements", "elementsOf", ' [1, {"a": 2}]\n') == {"input": '[1, {"a": 2}]', "count": 2}
    assert call("core/elements", "elementsOf", '{"a": 1}\r\n\n{"a": 2}\n') == {
        "input": '[{"a": 1},{"a": 2}]',
        "count": 2,
    }
    assert call("core/elements", "elementsOf", "[]") == {"input": "[]", "count": 0}
    assert call("core/elements", "elementsOf", " \n")["problem"] == "There is no element yet."
    assert call("core/elements", "elementsOf", '{"a": 1}\n{"a": ')["problem"].startswith("Line 2 is not JSON")


def test_numbers_keep_all_of_their_digits(call):
    source = call("core/elements", "inputOf", "12345678901234567890.10")
    body = call("core/elements", "bodyOf", {"taskType": "cat", "name": "Füttern"}, source)
    assert body == '{"taskType":"cat","name":"Füttern","input":12345678901234567890.10}'


LARGE = '{"id": 12345678901234567890, "at": [9007199254740993, -1e400, 1.5, 9007199254740991]}'


def test_numbers_keep_all_of_their_digits_from_one_way_to_write_them_to_another(page, files):
    script = """
        const [base, text] = args;
        const { editorOf, sourceOf, switched } = await import(`${base}/views/input-editor.js`);
        const { parse } = await import(`${base}/core/exact.js`);
        const schema = { type: "object", properties: { id: { type: "integer" }, at: {} } };
        const again = editorOf(schema, false, parse(text));
        const typed = editorOf({ type: "object", properties: { id: { type: "integer" }, at: {} } }, false);
        typed.draft.fields.id = "1";
        typed.draft.fields.at = "9007199254740993";
        const refused = switched({ ...again, text }, "form");
        return [again.mode, sourceOf(again).input, sourceOf(switched(typed, "text")).input, refused.mode];
    """
    mode, again, typed, refused = page.module(script, files, LARGE)
    assert (mode, refused) == ("text", "text")
    assert json.loads(again, parse_float=str) == json.loads(LARGE, parse_float=str)
    assert json.loads(typed) == {"id": 1, "at": 9007199254740993}


FORM = """
    const [base, schema, problems] = args;
    const { html, render } = await import(`${base}/vendor/htm/standalone.module.js`);
    const { draftOf } = await import(`${base}/core/draft.js`);
    const { fieldOf } = await import(`${base}/core/schema.js`);
    const { Field } = await import(`${base}/views/fields.js`);
    const field = fieldOf(schema), root = document.createElement("div");
    const form = html`<${Field} field=${field} draft=${draftOf(field)} path="" problems=${problems} />`;
    render(form, root);
    const told = (of) => (of.getAttribute("aria-describedby") ?? "").split(" ")
      .map((id) => root.querySelector(`[id="${id}"]`)?.textContent.trim()).join("; ");
    const told_all = [...root.querySelectorAll("input, textarea, select, fieldset")].map(told);
    return [told_all, [...root.querySelectorAll("[role=alert]")].map((one) => one.textContent)];
"""


@pytest.mark.parametrize(
    ("properties", "problems", "told"),
    [
        ({"house number": {"type": "integer"}}, {"house number": "is odd"}, ["house number is odd"]),
        ({"pet": {}}, {"pet.cat.name": "is missing"}, ["As JSON.; pet at cat.name is missing"]),
        ({"pet": {}, "pets": {}}, {"pets[1]": "is no cat"}, ["As JSON.", "As JSON.; pets at [1] is no cat"]),
        ({"tags": {"type": "array", "items": {"type": "string"}}}, {"tags": "are too few"}, ["tags are too few"]),
        ({"place": PLACE}, {"place": "is nowhere"}, ["place is nowhere", "-90 to 90."]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_said_beside_the_control_that_it_is_about(page, files, properties, problems, told):
    assert page.module(FORM, files, of(**properties), problems) == [told, []]


def test_what_is_wrong_with_the_whole_input_is_said_above_it(page, files):
    _, alerts = page.module(FORM, files, of(begin={"type": "integer"}), {"": "must end after it begins"})
    assert alerts == ["The input must end after it begins"]
