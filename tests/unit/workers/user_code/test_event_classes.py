"""The classic way: own event classes, handlers by class, and factories, without or beside task types."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from serverless_tasks import (
    EventFactory,
    InvalidInput,
    MalformedMessage,
    StepFunctionTaskEvent,
    TaskQueueEvent,
    TaskStatus,
    TaskType,
    event_handler,
)
from serverless_tasks.testing import MemoryStack, WorkerKilled
from serverless_tasks.workers.user_code.routing import HandlerRouter


@dataclass(frozen=True, kw_only=True)
class CatQueued(TaskQueueEvent):
    """A cat is to be fed."""


@dataclass(frozen=True, kw_only=True)
class CatFed(StepFunctionTaskEvent):
    """One of many cats is to be fed."""


class OwnEvents(EventFactory):
    """Makes own events at once, so that the other factory has nothing left to do."""

    def transform_sqs(self, event):
        return [CatQueued.of(one) for one in super().transform_sqs(event)]

    def transform_step_function(self, event):
        return [CatFed.of(one) for one in super().transform_step_function(event)]


class TwoEvents(EventFactory):
    """Makes two of everything."""

    def transform_sqs(self, event):
        return super().transform_sqs(event) * 2

    def transform_step_function(self, event):
        return super().transform_step_function(event) * 2


def test_an_event_factory_alone_is_enough():
    event_handler(CatQueued)(lambda event, context: ["queued", event.input])
    event_handler(CatFed)(lambda event, context: ["fed", event.input])
    stack = MemoryStack(HandlerRouter(events=OwnEvents()))

    single = stack.run(stack.service.create_task("mbc", "cat", 1).key)
    many = stack.run(stack.service.create_step_function_task("mbc", "cat", [2]).key)

    assert single.result == ["queued", 1]
    assert many.status is TaskStatus.COMPLETED
    assert stack.service.list_sub_tasks(many).items[0].attributes == {"result": ["fed", 2]}


def test_a_handler_of_the_classes_themselves_takes_every_type():
    event_handler(TaskQueueEvent)(lambda event, context: event.task_type)
    event_handler(StepFunctionTaskEvent)(lambda event, context: event.task_type)
    stack = MemoryStack()

    assert stack.run(stack.service.create_task("mbc", "cat", 1).key).result == "cat"
    many = stack.run(stack.service.create_step_function_task("mbc", "dog", [2]).key)
    assert stack.service.list_sub_tasks(many).items[0].attributes == {"result": "dog"}


def test_a_handler_of_a_class_that_takes_one_argument_is_refused_at_once():
    with pytest.raises(InvalidInput, match=r"event_handler: the handler .*\(event\) must take \(event, context\)"):
        event_handler(CatFed)(lambda event: None)


def test_own_events_without_a_handler_fail_the_task():
    stack = MemoryStack(HandlerRouter(events=OwnEvents()))

    for key in (
        stack.service.create_task("mbc", "cat", 1).key,
        stack.service.create_step_function_task("mbc", "cat", [2]).key,
    ):
        assert "no handler for task type 'cat'" in stack.run(key).error["message"]


def refusing(answer: Callable[[Any], Any]) -> MemoryStack:
    """A stack whose EventFactory answers every message like this."""

    class Refusing(EventFactory):
        def transform_sqs(self, event):
            return answer(event)

    TaskType("cat").task(lambda event, context: "done")
    return MemoryStack(HandlerRouter(events=Refusing()))


def throw(error: BaseException) -> Any:
    raise error


NOT_ONE = "EventFactory: must make one TaskQueueEvent of a message, not "


class Deadly(Exception):
    def __str__(self):
        raise SystemExit(3)


REFUSALS = [
    (lambda event: throw(ValueError("a bug")), "ValueError", "a bug"),
    (lambda event: throw(SystemExit(1)), "SystemExit", "1"),
    (lambda event: throw(Deadly()), "Deadly", "(its text could not be read)"),
    (lambda event: throw(MalformedMessage("not for me")), "MalformedMessage", "not for me"),
    (lambda event: throw(MalformedMessage("")), "MalformedMessage", ""),
    (lambda event: None, "InvalidInput", f"{NOT_ONE}[]"),
    (lambda event: [None], "InvalidInput", f"{NOT_ONE}['NoneType']"),
    (lambda event: TwoEvents().transform_sqs(event), "InvalidInput", f"{NOT_ONE}['TaskQueueEvent', 'TaskQueueEvent']"),
]


@pytest.mark.parametrize(("answer", "kind", "message"), REFUSALS)
def test_a_task_whose_message_the_event_factory_does_not_take_ends_failed_and_says_why(answer, kind, message):
    stack = refusing(answer)

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert [entry["status"] for entry in task.history] == ["CREATED", "QUEUED", "FAILED"]
    assert task.error == {"type": kind, "message": message}
    assert (stack.memory.queue.messages, stack.memory.queue.dead_letters) == ({}, [])


def test_an_event_factory_that_fails_ends_no_other_run():
    stack = refusing(lambda event: throw(ValueError("a bug")))
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.relay_one()
    stack.service.cancel_task(key)
    stack.service.retry_task(key)

    stack.work_one()  # the message of the first run

    assert stack.task(key).status is TaskStatus.CREATED
    assert stack.memory.queue.messages == {}


def test_an_event_factory_that_fails_ends_nothing_that_another_worker_holds():
    stack = refusing(lambda event: throw(ValueError("a bug")))
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.relay_one()
    stack.service.update_status(key, TaskStatus.PROCESSING)

    stack.work_one()

    assert stack.task(key).status is TaskStatus.PROCESSING
    assert len(stack.memory.queue.messages) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda event: throw(ValueError("a bug")), "ValueError: a bug"),
        (lambda event: throw(MalformedMessage("not for me")), "not for me"),
        (lambda event: throw(MalformedMessage("")), "the body is not JSON"),  # SQS refuses an empty attribute
        (lambda event: [], f"InvalidInput: {NOT_ONE}[]"),
    ],
)
def test_what_names_no_task_is_dead_lettered_whatever_the_event_factory_raises(answer, reason):
    stack = refusing(answer)
    stack.memory.queue.send_body("odd")

    stack.work_one()

    assert stack.memory.queue.dead_letters == [("odd", reason)]
    assert stack.memory.queue.messages == {}


def test_a_worker_that_dies_in_the_event_factory_ends_nothing():
    stack = refusing(lambda event: throw(WorkerKilled()))
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.relay_one()

    stack.work_one()

    assert stack.task(key).status is TaskStatus.QUEUED
    assert len(stack.memory.queue.messages) == 1


def test_a_sub_task_of_two_events_has_the_list_of_their_results():
    cat = TaskType("cat")
    cat.sub_task(lambda event, context: event.input)
    cat.finished(lambda event, outcomes: [outcome.result for outcome in outcomes])
    stack = MemoryStack(HandlerRouter(events=TwoEvents()))

    assert stack.run(stack.service.create_step_function_task("mbc", "cat", [7]).key).result == [[7, 7]]
