"""The relay with a batch of records: few requests, and each failure is that of its task alone."""

import threading

import pytest
from serverless_tasks import EventFactory, TaskKey
from serverless_tasks.workers.relay import Relay

SINKS = ["status_topic", "alarm_topic"]


class Refused(Exception):
    """AWS does not take it."""


def refuse(tasks):
    return {task.key: Refused() for task in tasks}


def created(stack, count, tenant="mbc"):
    return [stack.service.create_task(tenant, "cat", number).key for number in range(count)]


def refuse_of(monkeypatch, adapter, method, keys):
    """Let a batch be taken but for the tasks of these keys."""
    whole = getattr(adapter, method)

    def partly(tasks):
        return whole([t for t in tasks if t.key not in keys]) | {t.key: Refused() for t in tasks if t.key in keys}

    monkeypatch.setattr(adapter, method, partly)


def key_of(record):
    image = record["dynamodb"]["NewImage"]
    return TaskKey(image["pk"]["S"], image["sk"]["S"])


def test_new_tasks_go_to_the_queue_together(stack, monkeypatch):
    keys = created(stack, 12)
    sent = []
    monkeypatch.setattr(stack.memory.queue, "send_all", lambda tasks: sent.append([t.key for t in tasks]) or {})

    assert stack.relay.handle(stack.memory.table.stream) == []

    assert sent == [keys]
    assert {str(stack.task(key).status) for key in keys} == {"QUEUED"}


def test_a_task_that_was_not_sent_comes_again_alone(stack, monkeypatch):
    # GIVEN a queue that takes all but the second message of a batch
    keys = created(stack, 3)
    refuse_of(monkeypatch, stack.memory.queue, "send_all", keys[1:2])

    failed = stack.relay.handle(stack.memory.table.stream)

    # THEN its record is to come again, and its task is not said to be on the queue
    assert [key_of(record) for record in failed] == keys[1:2]
    assert [str(stack.task(key).status) for key in keys] == ["QUEUED", "CREATED", "QUEUED"]
    assert len(stack.memory.queue.messages) == 2


def test_what_follows_on_the_same_task_waits_for_it(stack, monkeypatch):
    # GIVEN a task that is created, cancelled and retried before the relay comes, and its message is refused
    key, other = created(stack, 2)
    stack.service.cancel_task(key)
    stack.service.retry_task(key)
    refuse_of(monkeypatch, stack.memory.queue, "send_all", [key])
    records = list(stack.memory.table.stream)

    failed = stack.relay.handle(records)

    # THEN its three records come again in their order, and no topic got its end
    assert failed == [records[0], *records[2:]]
    assert stack.memory.topics.statuses == []
    assert str(stack.task(other).status) == "QUEUED"


def test_what_happened_to_one_task_is_passed_on_in_its_order(stack):
    key = stack.service.create_step_function_task("mbc", "cat", [1]).key
    stack.relay_one()
    stack.service.cancel_task(key)
    stack.service.retry_task(key)

    assert stack.relay.handle(stack.memory.table.stream) == []

    assert stack.memory.executions.stopped == {key.code}
    assert list(stack.memory.executions.inputs) == [key.code, f"{key.code}-1"]


def test_an_execution_that_does_not_start_keeps_no_other_task(stack, monkeypatch):
    stack.service.create_step_function_task("mbc", "cat", [1])
    monkeypatch.setattr(stack.memory.executions, "start", lambda task: 1 / 0)
    [key] = created(stack, 1)
    records = list(stack.memory.table.stream)

    assert stack.relay.handle(records) == records[:1]

    assert str(stack.task(key).status) == "QUEUED"


@pytest.mark.parametrize("sink", SINKS)
def test_the_end_that_a_sink_refuses_of_a_batch_is_published_later_and_no_other(stack, monkeypatch, sink):
    # GIVEN two tasks that failed, of which the sink does not take one
    stack.relay_batch = 25
    keys = created(stack, 2)
    refuse_of(monkeypatch, getattr(stack.memory, sink), "publish", keys[:1])
    while stack.step():
        pass

    # THEN it is left to the sweeper, to publish to that sink alone, and the other one is published everywhere
    [left] = [item for item in stack.memory.table.items.values() if item["kind"] == "UNTOLD"]
    assert (left["pk"], left["topics"]) == (f"UNTOLD#{keys[0].pk}", [sink.removesuffix("_topic")])
    assert [message["id"] for message in getattr(stack.memory, sink).published] == [str(keys[1])]


def test_a_table_that_refuses_the_note_for_the_sweeper_lets_the_record_come_again(stack, monkeypatch):
    [key] = created(stack, 1)
    stack.service.cancel_task(key)
    record = stack.memory.table.stream[-1]
    monkeypatch.setattr(stack.memory.status_topic, "publish", refuse)
    monkeypatch.setattr(stack.memory.table, "update", lambda update: 1 / 0)

    assert stack.relay.handle([record]) == [record]


def test_a_foreign_record_keeps_no_other(stack):
    foreign = {"dynamodb": {"NewImage": {"kind": {"S": "TASK"}, "change": {"S": "status"}, "status": {"S": "ODD"}}}}
    [key] = created(stack, 1)

    assert stack.relay.handle([foreign, *stack.memory.table.stream]) == []

    assert str(stack.task(key).status) == "QUEUED"


@pytest.mark.parametrize("name", ["tenantCode", "type", "code"])
def test_a_name_that_would_spoil_the_batch_is_foreign(stack, name):
    created(stack, 2)
    records = stack.memory.table.stream
    records[0]["dynamodb"]["NewImage"][name] = {"S": "no name#"}

    assert stack.relay.handle(records) == []

    assert len(stack.memory.queue.messages) == 1


def test_a_record_that_the_factory_cannot_read_comes_again(stack):
    class Own(EventFactory):
        def transform_dynamodb_stream(self, event):
            return super().transform_dynamodb_stream(event) * 2 if reads(event) else []

    def reads(event):
        return event["Records"][0] is stack.memory.table.stream[0]

    created(stack, 1)
    relay = Relay(stack.service._cloud, Own(), stack.clock)

    assert relay.handle(stack.memory.table.stream) == stack.memory.table.stream


def test_a_status_on_the_way_wakes_no_relay_unless_it_is_published(stack):
    [key] = created(stack, 1)
    stack.relay_one()

    assert str(stack.task(key).status) == "QUEUED"
    assert stack.memory.table.stream == []


def test_a_record_of_before_the_filter_is_ignored(stack):
    created(stack, 1)
    [record] = stack.memory.table.stream
    record["dynamodb"]["NewImage"]["status"] = {"S": "QUEUED"}

    assert stack.relay.handle([record]) == []

    assert stack.memory.topics.statuses == []


def test_tasks_are_worked_on_by_several_threads(stack, monkeypatch):
    # GIVEN a table whose updates wait for each other
    keys = created(stack, 4)
    together = threading.Barrier(4, timeout=30)
    update = stack.memory.table.update
    monkeypatch.setattr(stack.memory.table, "update", lambda given: (together.wait(), update(given))[1])

    failed = Relay(stack.service._cloud, clock=stack.clock, threads=4).handle(list(stack.memory.table.stream))

    # THEN all four are under way at once
    assert failed == []
    assert {str(stack.task(key).status) for key in keys} == {"QUEUED"}


def test_a_batch_is_one_line_that_names_every_task(stack, lines):
    keys = created(stack, 3)

    stack.relay.handle(stack.memory.table.stream)

    [line] = lines()
    assert line["message"] == "passed on"
    assert [task["taskId"] for task in line["tasks"]] == [str(key) for key in keys]
    assert line["tasks"][0] == {
        "taskId": str(keys[0]),
        "tenantCode": "mbc",
        "taskType": "cat",
        "status": "CREATED",
        "attempt": 0,
        "run": 0,
    }
