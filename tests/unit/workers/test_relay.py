"""The relay: what each status change is passed on to."""

import pytest
from serverless_tasks import TaskType
from serverless_tasks.testing import MemoryStack

from tests.support.tasks import relay_all


def test_a_new_task_goes_to_the_queue(stack):
    key = stack.service.create_task("mbc", "cat", 1).key

    stack.relay_one()

    [message] = stack.memory.queue.messages.values()
    assert message["body"] == (
        f'{{"v": 1, "action": "task-execute", "pk": "{key.pk}", "sk": "{key.sk}", "kind": "TASK", '
        '"tenantCode": "mbc", "taskType": "cat", "run": 0}'
    )
    task = stack.task(key)
    assert (str(task.status), task.dispatched_at) == ("QUEUED", "2026-01-01T00:00:00.000Z")


def test_a_new_step_functions_task_starts_its_execution_once(stack):
    key = stack.service.create_step_function_task("mbc", "cat", [1]).key
    [record] = stack.memory.table.stream

    stack.relay.handle([record])
    stack.relay.handle([record])  # the stream delivers at least once

    assert stack.memory.executions.inputs == {key.code: {"pk": key.pk, "sk": key.sk, "run": 0}}
    task = stack.task(key)
    assert (str(task.status), task.execution_arn, task.version) == ("STARTED", key.code, 1)


def test_a_retry_has_an_execution_of_its_own(stack):
    key = stack.service.create_step_function_task("mbc", "cat", [1]).key
    stack.service.cancel_task(key)
    stack.service.retry_task(key)

    relay_all(stack)

    assert list(stack.memory.executions.inputs) == [key.code, f"{key.code}-1"]


def test_cancel_stops_the_execution(stack):
    key = stack.service.create_step_function_task("mbc", "cat", [1]).key
    stack.relay_one()
    stack.service.cancel_task(key)

    relay_all(stack)

    assert stack.memory.executions.stopped == {key.code}


def test_the_end_of_a_task_goes_to_the_status_topic(stack):
    TaskType("cat").task(lambda event, context: {"fed": 1})
    key = stack.service.create_task("mbc", "cat", 1).key

    task = stack.run(key)

    assert stack.memory.topics.statuses == [
        {
            "action": "task-status",
            "pk": key.pk,
            "sk": key.sk,
            "table": "tasks",
            "id": str(key),
            "tenantCode": "mbc",
            "run": 0,
            "version": 3,
            "updatedAt": task.updated_at,
            "content": {"status": "COMPLETED", "attributes": {"result": {"fed": 1}, "progress": 1}},
        }
    ]
    assert stack.memory.topics.alarms == []


def test_a_failure_goes_to_the_alarm_topic(stack):
    key = stack.service.create_task("mbc", "dog", 1).key

    stack.run(key)

    assert stack.memory.topics.alarms == [
        {
            "action": "sfn-alarm",
            "id": str(key),
            "table": "tasks",
            "pk": key.pk,
            "sk": key.sk,
            "tenantCode": "mbc",
            "content": {"errorMessage": "NoHandler: no handler for task type 'dog'"},
        }
    ]


def test_every_status_is_published_when_asked_for():
    stack = MemoryStack(status_messages="all")
    stack.run(stack.service.create_task("mbc", "dog", 1).key)

    assert [m["content"]["status"] for m in stack.memory.topics.statuses] == ["CREATED", "QUEUED", "FAILED"]


def test_where_no_status_is_published_a_task_that_completes_does_not_wake_the_relay():
    TaskType("cat").task(lambda event, context: 1)
    stack = MemoryStack(status_messages="none")

    completed = stack.run(stack.service.create_task("mbc", "cat", 1).key)
    assert (completed.status, stack.memory.table.stream, stack.memory.topics.statuses) == ("COMPLETED", [], [])

    stack.run(stack.service.create_task("mbc", "dog", 1).key)
    assert (len(stack.memory.topics.statuses), len(stack.memory.topics.alarms)) == (0, 1)


def test_where_no_status_is_published_a_cancel_still_stops_the_execution():
    TaskType("cat").sub_task(lambda event, context: 1)
    stack = MemoryStack(status_messages="none")
    key = stack.service.create_step_function_task("mbc", "cat", [1]).key
    stack.relay_one()
    stack.service.cancel_task(key)

    stack.relay_one()

    assert stack.memory.executions.is_running(stack.task(key)) is False
    assert stack.memory.topics.statuses == []


def test_an_end_that_was_to_be_published_is_not_once_no_status_is(monkeypatch):
    """A deployment with ``StatusMessages=none`` while a topic was down."""
    stack = MemoryStack()
    with monkeypatch.context() as patch:
        patch.setattr(stack.memory.status_topic, "publish", refuse)
        stack.run(stack.service.create_task("mbc", "dog", 1).key)
    monkeypatch.setattr(type(stack.memory.settings), "published", frozenset())

    for _ in range(2):
        stack.clock.advance(300)
        stack.sweep()

    assert stack.memory.topics.statuses == []
    assert [item for item in stack.memory.table.items.values() if item.get("attention", "").startswith("UNTOLD")] == []


@pytest.mark.parametrize("status_messages", ["terminal", "all"])
def test_an_event_bus_gets_what_the_status_topic_gets(status_messages):
    TaskType("cat").task(lambda event, context: {"fed": 1})
    stack = MemoryStack(status_messages=status_messages, event_bus_name="ours")
    for task_type in ("cat", "dog"):
        stack.run(stack.service.create_task("mbc", task_type, 1).key)
    stack.run(stack.service.create_step_function_task("mbc", "dog", []).key)

    assert stack.memory.event_bus.published == [
        {**message, "kind": message["pk"].split("#")[0], "taskType": message["sk"].split("#")[0]}
        for message in stack.memory.topics.statuses
    ]
    assert len(stack.memory.event_bus.published) == (3 if status_messages == "terminal" else 10)


def test_without_the_name_of_an_event_bus_none_is_asked(stack):
    stack.run(stack.service.create_task("mbc", "dog", 1).key)

    assert (len(stack.memory.topics.statuses), stack.memory.event_bus.published) == (1, [])


def test_an_event_bus_that_is_down_does_not_repeat_a_dispatch(monkeypatch):
    stack = MemoryStack(status_messages="all", event_bus_name="ours")
    monkeypatch.setattr(stack.memory.event_bus, "publish", refuse)
    stack.service.create_task("mbc", "dog", 1)

    stack.relay_one()

    assert len(stack.memory.queue.messages) == 1
    assert [message["content"]["status"] for message in stack.memory.topics.statuses] == ["CREATED"]
    assert len(stack.memory.table.stream) == 1  # CREATED is done, QUEUED follows


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"dynamodb": {}},
        {"dynamodb": {"NewImage": {"pk": {"S": "x"}, "sk": {"S": "y"}}}},
        {"dynamodb": {"NewImage": {"kind": {"S": "TASK"}, "change": {"S": "status"}, "status": {"S": "ODD"}}}},
        {"dynamodb": {"NewImage": {"kind": {"S": "TASK"}, "change": {"S": "status"}, "status": {"B": "AA=="}}}},
        {"dynamodb": {"NewImage": {"kind": {"S": "TASK"}, "status": "not typed"}}},
        {"dynamodb": {"NewImage": None}},
    ],
)
def test_a_foreign_record_is_ignored(stack, record):
    stack.relay.handle([record])

    assert stack.memory.queue.messages == {}


def test_a_record_of_progress_is_ignored(stack):
    stack.service.create_task("mbc", "cat", 1)
    [record] = stack.memory.table.stream
    record["dynamodb"]["NewImage"]["change"] = {"S": "data"}

    stack.relay.handle([record])

    assert stack.memory.queue.messages == {}


class TopicDown(Exception):
    """SNS does not answer."""


def refuse(tasks):
    return {task.key: TopicDown() for task in tasks}


def test_a_topic_that_is_down_does_not_repeat_a_dispatch(monkeypatch):
    stack = MemoryStack(status_messages="all")
    monkeypatch.setattr(stack.memory.status_topic, "publish", refuse)
    stack.service.create_task("mbc", "dog", 1)

    stack.relay_one()

    assert len(stack.memory.queue.messages) == 1
    assert len(stack.memory.table.stream) == 1  # CREATED is done, QUEUED follows


def test_a_name_that_is_no_utf8_is_published_all_the_same(stack):
    TaskType("cat").task(lambda event, context: "\ud800")

    stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert stack.memory.topics.statuses[-1]["content"]["attributes"]["result"] == "\ud800"


@pytest.mark.parametrize(
    "change",
    [
        {"input": {"M": {}}},
        {"input": {"S": "no json"}},
        {"attributes": {"S": "text"}},
        {"attributes": {"M": {"result": {"M": {}}}}},
    ],
)
def test_a_record_that_only_looks_like_a_task_is_ignored(stack, change):
    stack.service.create_task("mbc", "cat", 1)
    [record] = stack.memory.table.stream
    record["dynamodb"]["NewImage"].update(change)

    stack.relay.handle([record])

    assert stack.memory.queue.messages == {}
