"""The classic way: own event classes, handlers by class, and factories, without or beside task types."""

from dataclasses import dataclass

from serverless_tasks import EventFactory, StepFunctionTaskEvent, TaskQueueEvent, TaskStatus, TaskType, event_handler
from serverless_tasks.core.dispatch import Dispatcher
from serverless_tasks.testing import MemoryStack


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
    stack = MemoryStack(Dispatcher(events=OwnEvents()))

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


def test_own_events_without_a_handler_fail_the_task():
    stack = MemoryStack(Dispatcher(events=OwnEvents()))

    for key in (
        stack.service.create_task("mbc", "cat", 1).key,
        stack.service.create_step_function_task("mbc", "cat", [2]).key,
    ):
        assert "no handler for task type 'cat'" in stack.run(key).error["message"]


def test_a_message_that_is_made_two_events_is_set_aside():
    TaskType("cat").task(lambda event, context: None)
    stack = MemoryStack(Dispatcher(events=TwoEvents()))
    stack.service.create_task("mbc", "cat", 1)

    while stack.step():
        pass

    [(_, reason)] = stack.memory.queue.dead_letters
    assert reason == "the EventFactory makes 2 events of it, and one message is one task"


def test_a_sub_task_of_two_events_has_the_list_of_their_results():
    cat = TaskType("cat")
    cat.sub_task(lambda event, context: event.input)
    cat.finished(lambda event, outcomes: [outcome.result for outcome in outcomes])
    stack = MemoryStack(Dispatcher(events=TwoEvents()))

    assert stack.run(stack.service.create_step_function_task("mbc", "cat", [7]).key).result == [[7, 7]]
