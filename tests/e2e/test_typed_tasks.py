"""A fork adds one file with typed handlers: its input is known to the API, and checked before and after it."""

from tests.support.driver import counters_of


def problems(answer):
    assert answer.status == 400, answer.body
    return {detail["field"]: detail["message"] for detail in answer.body["details"]}


def test_the_type_is_listed_with_the_schema_of_its_input(tasks):
    """GIVEN one more file; WHEN the task types are listed; THEN it is there, and what a form needs."""
    listed = tasks.call("GET", "/task-types").body
    assert listed["complete"] is True
    [item] = [item for item in listed["items"] if item["taskType"] == "kennel"]
    assert item["description"] == "Dogs of a kennel. A fork's own task type, whose input has a type."
    assert item["kinds"] == ["TASK", "SFN_TASK"]
    for schema in item["inputSchemas"].values():
        assert schema["required"] == ["name"]
        assert schema["properties"]["age"] == {
            "default": 1,
            "maximum": 30,
            "minimum": 0,
            "title": "Age",
            "type": "integer",
        }


def test_the_handler_gets_what_it_is_annotated_with(tasks):
    """GIVEN inputs that fit; WHEN tasks of both kinds run; THEN the handlers have got dogs."""
    one, many = tasks.create("kennel", {"name": "Rex", "age": 3}), tasks.fan_out("kennel", [{"name": "Bello"}] * 3)
    assert tasks.wait(one)["attributes"]["result"] == "Rex, 3"
    assert counters_of(tasks.wait(many)) == (3, 3, 0, 0)
    assert tasks.sub_tasks(many)[2]["attributes"]["result"] == "Bello was walked"


def test_an_input_that_does_not_fit_is_refused_by_its_field(tasks):
    """GIVEN wrong inputs; WHEN tasks are created of them; THEN 400 names each field."""
    given = {"taskType": "kennel", "input": {"age": 31}}
    found = problems(tasks.call("POST", "/tasks", given))
    assert found == {"input.name": "is missing", "input.age": "is greater than the maximum of 30"}
    given = {"taskType": "kennel", "input": [{"name": "Rex"}, {"name": 5}]}
    found = problems(tasks.call("POST", "/tasks/step-function-task", given))
    assert found == {"input[1].name": 'is not of type "string"'}


def test_a_type_that_is_not_there_is_refused(tasks):
    """GIVEN a type that nothing handles, or not as this kind; WHEN a task is created; THEN 400 says what there is."""
    found = problems(tasks.call("POST", "/tasks", {"taskType": "x", "input": 1}))
    assert "alone, brief, cat, kennel, lasting, mortal" in found["taskType"]
    found = problems(tasks.call("POST", "/tasks/step-function-task", {"taskType": "shout", "input": []}))
    assert found["taskType"].endswith("create it with POST /tasks")


def test_an_upload_with_a_wrong_line_fails_that_one_without_another_attempt(tasks):
    """GIVEN an upload of which one line does not fit; WHEN it runs; THEN its sub-task fails at once, by the field."""
    upload = tasks.upload(b'{"name": "Rex"}\n{"nmae": "Bello"}\n{"name": "Tom", "age": 2}\n')
    task = tasks.wait(tasks.fan_out_of("kennel", upload))
    assert (task["status"], counters_of(task)) == ("COMPLETED", (3, 2, 1, 0))  # one failure is tolerated
    _, wrong, _ = tasks.sub_tasks(task)
    assert (wrong["status"], wrong["attempt"]) == ("FAILED", 1)
    assert wrong["attributes"]["error"] == {"type": "InvalidInput", "message": "input.name: Field required"}


def test_texts_of_a_csv_are_made_what_they_are_for(tasks):
    """GIVEN a CSV, which knows texts only; WHEN it runs; THEN the handler gets numbers where it wants them."""
    task = tasks.wait(tasks.fan_out_of("kennel", tasks.upload(b"name,age\nRex,3\nBello,old\n", "csv")))
    assert counters_of(task) == (2, 1, 1, 0)
    assert tasks.sub_tasks(task)[1]["attributes"]["error"]["message"].startswith("input.age: ")


def test_the_published_description_knows_the_type(tasks):
    """GIVEN ApiDocs; WHEN the description is read; THEN it has a body for the type, and its input."""
    document = tasks.call("GET", "/openapi.json").body
    schemas = document["components"]["schemas"]
    assert {"$ref": "#/components/schemas/NewTask.kennel"} in schemas["NewTask"]["oneOf"]
    assert schemas["kennel.SFN_TASK"]["properties"]["name"] == {"title": "Name", "type": "string"}
