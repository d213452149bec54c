"""Ends of tasks in stream records that were given up: they are published all the same, once, and the records go."""

import json

import pytest
from serverless_tasks import TaskKey, TaskStatus, TaskType
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.outbox.stream_records import records_of
from serverless_tasks.testing import MemoryStack

from tests.support.tasks import create


def failed(stack: MemoryStack) -> TaskKey:
    """A task that has ended FAILED, of which the stream still has to tell."""
    key = stack.service.create_task("mbc", "nobody", 1).key
    while not stack.task(key).status.terminal:
        stack.step()
    return key


def sweep_twice(stack: MemoryStack) -> None:
    for _ in range(2):
        stack.clock.advance(300)
        stack.sweep()


def published(stack: MemoryStack) -> tuple[int, int]:
    return len(stack.memory.topics.statuses), len(stack.memory.topics.alarms)


def test_an_end_whose_record_was_given_up_is_published_and_the_record_goes(stack):
    ended = stack.task(failed(stack))
    stack.give_up_one()

    sweep_twice(stack)

    assert published(stack) == (1, 1)
    assert stack.memory.given_up.documents == {}
    assert stack.task(ended.key) == ended
    sweep_twice(stack)
    assert published(stack) == (1, 1)


def test_every_end_of_a_batch_is_published(stack):
    stack.relay_batch = 3
    for _ in range(3):
        failed(stack)
    stack.give_up_one()

    sweep_twice(stack)

    assert published(stack) == (3, 3)


def test_an_event_bus_gets_it_as_well():
    stack = MemoryStack(event_bus_name="ours")
    failed(stack)
    stack.give_up_one()
    sweep_twice(stack)
    assert len(stack.memory.event_bus.published) == 1


def test_the_end_of_a_task_that_was_retried_since_is_no_news(stack):
    key = failed(stack)
    stack.give_up_one()
    TaskType("nobody").task(lambda event, context: "done")
    stack.service.retry_task(key)
    assert stack.run(key).status is TaskStatus.COMPLETED

    sweep_twice(stack)

    assert [message["content"]["status"] for message in stack.memory.topics.statuses] == ["COMPLETED"]


def test_the_record_of_an_open_task_goes_and_its_look_dispatches_it(stack):
    TaskType("cat").task(lambda event, context: "done")
    key = create(stack)
    stack.give_up_one()

    sweep_twice(stack)

    assert stack.memory.given_up.documents == {}
    assert stack.run(key).status is TaskStatus.COMPLETED
    assert published(stack) == (1, 0)


@pytest.mark.parametrize(
    "document",
    ["no JSON", "{}", '{"requestContext": {"functionArn": "arn:aws:lambda:r:1:function:relay"}}'],
)
def test_what_lambda_did_not_write_is_left_and_holds_nothing_up(stack, document):
    stack.memory.given_up.documents["aws/lambda/0"] = document
    failed(stack)
    stack.give_up_one()

    sweep_twice(stack)

    assert published(stack) == (1, 1)
    assert stack.memory.given_up.documents == {"aws/lambda/0": document}


def test_the_records_of_another_function_are_none_of_ours(stack):
    failed(stack)
    stack.give_up_one()
    [(key, document)] = stack.memory.given_up.documents.items()
    theirs = document.replace("function:relay", "function:relay-of-a-fork")
    stack.memory.given_up.documents[key] = theirs

    sweep_twice(stack)

    assert published(stack) == (0, 0)
    assert stack.memory.given_up.documents == {key: theirs}


@pytest.mark.parametrize("method", ["remove", "records"])
def test_a_sweeper_that_fails_or_dies_there_goes_on_another_time(stack, method):
    failed(stack)
    stack.give_up_one()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack.memory.given_up, method, lambda key: 1 / 0)
        sweep_twice(stack)

    sweep_twice(stack)

    assert published(stack) == (1, 1)
    assert stack.memory.given_up.documents == {}


def test_a_bucket_that_cannot_be_listed_keeps_no_task_waiting(stack, monkeypatch):
    TaskType("cat").task(lambda event, context: "done")
    monkeypatch.setattr(stack.memory.given_up, "batches", lambda: 1 / 0)
    key = create(stack)
    stack.memory.table.stream.clear()

    sweep_twice(stack)

    assert stack.task(key).status is TaskStatus.QUEUED


def test_nothing_is_begun_when_the_time_is_nearly_up(stack):
    failed(stack)
    stack.give_up_one()
    stack.sweeper.handle(lambda: 5.0)
    assert len(stack.memory.given_up.documents) == 1


@pytest.mark.parametrize("qualifier", ["", ":live"])
@pytest.mark.parametrize("wrap", [json.dumps, lambda event: event])
def test_the_event_is_read_as_text_or_as_it_is(qualifier, wrap):
    context = {"functionArn": f"arn:aws-cn:lambda:cn-north-1:123456789012:function:my-relay{qualifier}"}
    document = json.dumps({"requestContext": context, "payload": wrap({"Records": [{"eventID": "1"}]})})
    assert records_of(document.encode(), "my-relay") == [{"eventID": "1"}]
    assert records_of(document, "relay") is None


def test_the_relay_is_known_by_the_name_that_the_template_gives():
    assert Settings.from_environment({"RELAY_FUNCTION": "stack-relay-1"}).relay_function == "stack-relay-1"


def test_an_end_that_no_sink_is_for_leaves_nothing_to_publish():
    """A cancel, where no status is published: the relay stops its execution, and the sweeper has nothing to do."""
    stack = MemoryStack(status_messages="none")
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.relay_one()
    stack.service.cancel_task(key)
    stack.give_up_one()
    before = set(stack.memory.table.items)

    sweep_twice(stack)

    assert (stack.memory.given_up.documents, set(stack.memory.table.items)) == ({}, before)
