"""Messages on the wire: exactly what the design says, and nothing else is taken for a task message."""

import json

import pytest
from serverless_tasks.core.errors import MalformedMessage
from serverless_tasks.core.outbox.messages import (
    TaskMessage,
    alarm_message,
    parse_task_message,
    status_message,
    status_message_attributes,
    task_message,
)
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import TaskStatus

from tests.support.examples import AT, CODE, a_fan_out, a_task

MESSAGE = {
    "v": 1,
    "action": "task-execute",
    "pk": "TASK#mbc",
    "sk": f"cat#{CODE}",
    "kind": "TASK",
    "tenantCode": "mbc",
    "taskType": "cat",
    "run": 2,
}


def test_task_message_carries_keys_and_no_payload():
    assert task_message(a_task(run=2, input_text="[1]")) == MESSAGE
    assert list(task_message(a_task())) == list(MESSAGE)


def test_task_message_is_understood():
    expected = TaskMessage(TaskKey("TASK#mbc", f"cat#{CODE}"), 2)
    assert parse_task_message(json.dumps(task_message(a_task(run=2)))) == expected


def test_message_that_says_only_what_is_needed_and_more_than_that_is_understood():
    needed = {name: MESSAGE[name] for name in ("v", "action", "pk", "sk", "run")}
    assert parse_task_message(json.dumps({**needed, "run": 0, "comesLater": []})).run == 0


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "the body is not JSON"),
        ("{", "the body is not JSON"),
        ("[" * 100_000, "the body is not JSON"),
        ("1" * 5000, "the body is not JSON"),
        ("[]", "the body is not a JSON object"),
        ('"x"', "the body is not a JSON object"),
        ("null", "the body is not a JSON object"),
    ],
)
def test_body_that_is_no_object_is_malformed(body, problem):
    with pytest.raises(MalformedMessage, match=f"^{problem}$"):
        parse_task_message(body)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        *(({"v": value}, "v must be 1 to 1") for value in (None, 0, 2, "1", [])),
        *(({"action": value}, "action must be 'task-execute'") for value in (None, "task-status", 1)),
        *(({"run": value}, "run must be a number from 0") for value in (None, -1, "0", 1.0, True, [])),
        *(
            ({"pk": value}, "pk must be the key of a single task")
            for value in (None, 5, "TASK", "TASK#", "TASK#a b", "SFN_TASK#mbc", "task#mbc", "TASK##mbc", ["TASK#mbc"])
        ),
        ({"pk": "TASK#" + "x" * 3000}, "pk must be the key of a single task"),
        *(
            ({"sk": value}, r"sk must be <taskType>#<ULID>")
            for value in (
                None,
                5,
                "cat",
                "#",
                f"#{CODE}",
                f"cat#{CODE}#0",
                "cat#x",
                f"cat#{CODE.lower()}",
                f"c t#{CODE}",
            )
        ),
    ],
)
def test_message_with_a_wrong_field_is_malformed(change, problem):
    with pytest.raises(MalformedMessage, match=f"^{problem}$"):
        parse_task_message(json.dumps(MESSAGE | change))


@pytest.mark.parametrize("name", ["v", "action", "pk", "sk", "run"])
def test_message_without_a_field_is_malformed(name):
    with pytest.raises(MalformedMessage, match=rf"^{name} must be "):
        parse_task_message(json.dumps({key: value for key, value in MESSAGE.items() if key != name}))


def test_status_message_is_the_one_of_the_design():
    task = a_task(TaskStatus.COMPLETED, run=1, updated_at=AT, attributes={"result": '{"fed":true}', "checkpoint": "1"})
    message = status_message(task, "tasks")
    assert message == {
        "action": "task-status",
        "pk": "TASK#mbc",
        "sk": f"cat#{CODE}",
        "table": "tasks",
        "id": f"TASK#mbc#cat#{CODE}",
        "tenantCode": "mbc",
        "run": 1,
        "version": 4,
        "updatedAt": AT,
        "content": {"status": "COMPLETED", "attributes": {"result": {"fed": True}}},
    }
    json.dumps(message)


def test_subscribers_can_filter_by_status_kind_and_type():
    expected = {"action": "task-status", "status": "FAILED", "kind": "SFN_TASK", "taskType": "cat"}
    assert status_message_attributes(a_fan_out(TaskStatus.FAILED)) == expected


def test_alarm_message_is_the_one_of_the_design():
    assert alarm_message(a_fan_out(TaskStatus.FAILED), "no food", "tasks") == {
        "action": "sfn-alarm",
        "id": f"SFN_TASK#mbc#cat#{CODE}",
        "table": "tasks",
        "pk": "SFN_TASK#mbc",
        "sk": f"cat#{CODE}",
        "tenantCode": "mbc",
        "content": {"errorMessage": "no food"},
    }
