"""The task types of the deployment: listed, described, and what is none of them refused before it is a task."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.unit.api.client import RITA_READER
from tests.unit.api.deployed import BOTH, SCHEMAS, TYPES, Deploy, many, one, refused


def test_lists_them_by_name_for_every_user_who_is_signed_in(api, deploy: Deploy):
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
