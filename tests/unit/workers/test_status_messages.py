"""Messages about the status of tasks are as docs/status-message.schema.json says, in each status of each kind."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from serverless_tasks import PermanentError, TaskStatus, TaskType
from serverless_tasks.core.outbox.messages import status_message, status_message_attributes, status_subject
from serverless_tasks.testing import MemoryStack

from tests.support.examples import a_fan_out, a_task

DOCS = Path(__file__).resolve().parents[3] / "docs"
SCHEMA = json.loads((DOCS / "status-message.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
OF_EVENTS = {"kind", "taskType"}


@pytest.fixture
def published():
    """The messages of topic and bus while tasks go every way that there is."""
    stack = MemoryStack(status_messages="all", event_bus_name="ours")
    cat = TaskType("cat", max_attempts=2)

    @cat.task
    def feed(event, context):
        if event.input == "sour":
            raise ValueError(event.input)
        context.checkpoint({"at": 1}, progress=0.5)
        return event.input

    @cat.sub_task
    def feed_each(event, context):
        if event.input == "sour":
            raise PermanentError(event.input)
        return event.input

    service = stack.service
    for given in ("milk", "sour", "x" * 5_000):
        stack.run(service.create_task("mbc", "cat", given).key)
    for given in (["milk"], ["milk", "sour"], []):
        stack.run(service.create_step_function_task("mbc", "cat", given).key)
    cancelled = service.cancel_task(service.create_task("mbc", "cat", 1).key).key
    stack.run(cancelled)
    service.retry_task(cancelled)
    stack.run(cancelled)
    return stack.memory.topics.statuses, stack.memory.event_bus.published


def test_every_message_is_as_the_schema_says(published):
    messages, events = published
    assert {message["content"]["status"] for message in messages} == set(TaskStatus)
    for message in messages + events:
        VALIDATOR.validate(message)
    assert {key for message in messages for key in message} == SCHEMA["properties"].keys() - OF_EVENTS
    assert {key for event in events for key in event} == SCHEMA["properties"].keys()


def test_every_attribute_is_in_the_schema(published):
    attributes = {key for message in published[0] for key in message["content"]["attributes"]}
    assert attributes == SCHEMA["properties"]["content"]["properties"]["attributes"]["properties"].keys()


@pytest.mark.parametrize(
    "change",
    [
        {"action": "sfn-alarm"},
        {"sk": "cat"},
        {"run": -1},
        {"updatedAt": "yesterday"},
        {"content": {"status": "DONE", "attributes": {}}},
        {"content": {"status": "FAILED", "attributes": {"error": "it broke"}}},
    ],
)
def test_the_schema_refuses_what_is_no_message(published, change):
    assert not VALIDATOR.is_valid({**published[0][0], **change})


def test_the_page_s_example_is_a_message():
    page = (DOCS / "messages.md").read_text(encoding="utf-8")
    [example] = [text for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if "task-status" in text]
    VALIDATOR.validate(json.loads(example))


@pytest.mark.parametrize("make", [a_task, a_fan_out])
@pytest.mark.parametrize("status", TaskStatus)
def test_attributes_to_filter_by_are_there_in_every_status(make, status):
    task = make(status)
    expected = {"action": "task-status", "status": status, "kind": task.kind, "taskType": task.type}
    assert status_message_attributes(task) == expected
    assert status_message(task, "tasks")["content"]["status"] == status


def test_a_mail_says_in_its_subject_what_happened():
    assert status_subject(a_task(TaskStatus.FAILED)) == "FAILED: cat of mbc"
    assert len(status_subject(a_task(type="t" * 64, tenant_code="m" * 64))) < 100
