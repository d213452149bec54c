"""Events, the factories that make them of what AWS delivers, and what a handler may ask and do."""

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from serverless_tasks.classic.event_classes import EventFactory, TaskQueueEventFactory
from serverless_tasks.core.dynamodb.attribute_values import encode_item
from serverless_tasks.core.errors import InvalidInput, MalformedMessage
from serverless_tasks.core.outbox.messages import task_message
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types.arguments import StepFunctionTaskEvent, TaskContext, TaskEvent, TaskQueueEvent

from tests.support.examples import CODE, a_chunk, a_fan_out, a_task

REFERENCE = {"key": "k", "bytes": 5000, "etag": '"e"'}


def stream_record(item):
    return {"eventName": "MODIFY", "dynamodb": {"NewImage": encode_item(item)}}


def call(index=7):
    context = {"run": 1, "chunk": 0, "attempt": 2, "executionArn": "arn"}
    return {"taskEntity": a_fan_out(), "index": index, "input": {"key": 1}, "context": context}


def test_stream_record_becomes_an_event_with_its_new_image():
    task = a_task(TaskStatus.FAILED, input_text='{"a":1}')
    record = stream_record(task.to_item())
    event = TaskEvent.from_dynamodb_record(record)
    assert event == TaskEvent(
        task_key=task.key, task_type="cat", tenant_code="mbc", input={"a": 1}, task_entity=task, record=record
    )
    assert event.record is record


@pytest.mark.parametrize("changes", [{"input_ref": REFERENCE}, {}])
def test_stream_event_has_no_input_where_the_image_has_none(changes):
    assert TaskEvent.from_dynamodb_record(stream_record(a_task(**changes).to_item())).input is None


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"dynamodb": {}},
        {"dynamodb": {"OldImage": encode_item(a_task().to_item())}},
        {"dynamodb": {"NewImage": {}}},
        {"dynamodb": {"NewImage": None}},
        stream_record({"pk": a_chunk().pk, "sk": "000000", "kind": "CHUNK"}),
        stream_record(a_task().to_item() | {"status": "LOST"}),
        {"dynamodb": {"NewImage": {"kind": {"B": b"x"}}}},
        {"dynamodb": {"NewImage": "task"}},
        {"dynamodb": {"NewImage": {"kind": "TASK"}}},
    ],
)
def test_record_without_a_task_is_malformed(record):
    with pytest.raises(MalformedMessage, match=r"^the record holds no task: "):
        TaskEvent.from_dynamodb_record(record)


def test_queue_message_becomes_an_event_without_entity_and_input():
    task = a_task(run=3)
    record = {"body": json.dumps(task_message(task)), "messageId": "m"}
    event = TaskQueueEvent.from_sqs_record(record)
    assert event == TaskQueueEvent(task_key=task.key, task_type="cat", tenant_code="mbc", record=record, run=3)
    assert (event.input, event.task_entity) == (None, None)
    assert TaskQueueEvent(task_key=task.key, task_type="cat", tenant_code="mbc", record={}).run == 0


@pytest.mark.parametrize("record", [{}, {"body": None}, {"body": ""}, {"body": "x"}])
def test_message_without_a_readable_body_is_malformed(record):
    with pytest.raises(MalformedMessage, match="the body is not JSON"):
        TaskQueueEvent.from_sqs_record(record)


def test_call_of_a_sub_task_becomes_an_event_with_the_sub_tasks_key():
    event = StepFunctionTaskEvent.from_call(call(7))
    assert event == StepFunctionTaskEvent(
        task_key=TaskKey("SFN_TASK#mbc", f"cat#{CODE}#7"),
        task_type="cat",
        tenant_code="mbc",
        input={"key": 1},
        task_entity=a_fan_out(),
        index=7,
        context=call()["context"],
    )


def test_first_sub_task_is_no_fan_in():
    assert StepFunctionTaskEvent.from_call(call(0)).task_key.index == 0


def test_call_of_the_fan_in_has_the_parents_key():
    event = StepFunctionTaskEvent.from_call(call(None))
    assert (event.task_key, event.index) == (a_fan_out().key, None)


def test_events_do_not_change():
    with pytest.raises(AttributeError):
        StepFunctionTaskEvent.from_call(call()).index = 8


@dataclass(frozen=True, kw_only=True)
class CatFed(StepFunctionTaskEvent):
    bowls: int = 1


def test_event_of_a_fork_takes_over_all_fields():
    event = StepFunctionTaskEvent.from_call(call())
    own = CatFed.of(event)
    assert type(own) is CatFed
    assert own.bowls == 1
    assert {**vars(own)} == {**vars(event), "bowls": 1}


def test_event_factory_makes_an_event_of_each_record_in_order():
    factory = EventFactory()
    first, second = a_task(), a_fan_out()
    records = [stream_record(first.to_item()), stream_record(second.to_item())]
    assert [e.task_key for e in factory.transform_dynamodb_stream({"Records": records})] == [first.key, second.key]
    messages = [{"body": json.dumps(task_message(a_task(run=run)))} for run in (0, 1)]
    assert [event.run for event in factory.transform_sqs({"Records": messages})] == [0, 1]
    assert factory.transform_step_function(call()) == [StepFunctionTaskEvent.from_call(call())]


def test_event_factory_passes_on_what_is_wrong():
    with pytest.raises(MalformedMessage):
        EventFactory().transform_dynamodb_stream({"Records": [{}]})
    with pytest.raises(MalformedMessage):
        EventFactory().transform_sqs({"Records": [{"body": "x"}]})


def test_default_queue_event_factory_hands_events_on_as_they_are():
    factory = TaskQueueEventFactory()
    queued = TaskQueueEvent.from_sqs_record({"body": json.dumps(task_message(a_task()))})
    assert factory.transform_task(queued) == [queued]
    sub_task = StepFunctionTaskEvent.from_call(call())
    assert factory.transform_step_function_task(sub_task) == [sub_task]


@pytest.fixture
def saved():
    return []


@pytest.fixture
def context(saved):
    return TaskContext(state="before", save=lambda *call: saved.append(call))


def test_context_of_a_test_needs_nothing():
    context = TaskContext()
    assert (context.attempt, context.run, context.idempotency_key, context.state) == (1, 0, "", None)
    assert (context.remaining_time, context.cancelled) == (900.0, False)


def test_context_carries_what_it_was_given():
    context = TaskContext(
        attempt=2, run=3, idempotency_key="k", state=[1], remaining_time=lambda: 7.5, is_cancelled=lambda: True
    )
    assert (context.attempt, context.run, context.idempotency_key, context.state) == (2, 3, "k", [1])
    assert (context.remaining_time, context.cancelled) == (7.5, True)


def test_time_that_is_over_is_zero():
    assert TaskContext(remaining_time=lambda: -3.0).remaining_time == 0.0


def test_time_and_cancellation_are_asked_for_anew():
    answers = iter([9.0, 8.0])
    context = TaskContext(remaining_time=lambda: next(answers))
    assert [context.remaining_time, context.remaining_time] == [9.0, 8.0]


@pytest.mark.parametrize("progress", [0, 0.25, 1, 1.0, Fraction(1, 4)])
def test_checkpoint_is_saved_with_its_progress_as_a_float_and_becomes_the_state(context, saved, progress):
    context.checkpoint({"page": 2}, progress)
    assert saved == [({"page": 2}, progress)]
    assert type(saved[0][1]) is float
    assert context.state == {"page": 2}


def test_checkpoint_without_progress(context, saved):
    context.checkpoint([1])
    assert saved == [([1], None)]


@pytest.mark.parametrize(
    ("progress", "shown"), [(1.0000000000000002, 1), (-0.01, 0), (2, 1), (math.inf, 1), (-math.inf, 0), (10**400, 1)]
)
def test_progress_beyond_its_ends_is_taken_as_the_end(context, saved, progress, shown):
    context.checkpoint("after", progress)
    assert saved == [("after", shown)]


@pytest.mark.parametrize("progress", [math.nan, "0.5", Decimal("0.5"), [0], 1j])
def test_impossible_progress_is_refused_and_nothing_is_saved(context, saved, progress):
    with pytest.raises(InvalidInput, match=r"^progress: must be a number from 0 to 1, not ") as caught:
        context.checkpoint("after", progress)
    assert caught.value.field == "progress"
    assert (saved, context.state) == ([], "before")


def test_state_that_cannot_be_saved_is_not_the_state():
    def refuse(_state, _progress):
        raise InvalidInput("state", "is not JSON")

    context = TaskContext(state="before", save=refuse)
    with pytest.raises(InvalidInput):
        context.checkpoint(object())
    assert context.state == "before"


def test_sub_task_has_no_checkpoints():
    with pytest.raises(InvalidInput, match=r"^checkpoint: sub-tasks have none"):
        TaskContext().checkpoint(1)
