"""Which handler an event goes to."""

from dataclasses import dataclass

import pytest
from serverless_tasks.classic.event_classes import (
    EventFactory,
    TaskQueueEventFactory,
    event_handler,
    set_event_handlers,
)
from serverless_tasks.core.errors import InvalidInput, NoHandler
from serverless_tasks.core.task_types.arguments import Event, StepFunctionTaskEvent, TaskEvent, TaskQueueEvent
from serverless_tasks.core.task_types.task_type import TaskType
from serverless_tasks.workers.user_code.routing import HandlerRouter, find_handler, no_handler

from tests.support.examples import a_fan_out, a_task

COMMON = {"task_key": a_task().key, "task_type": "cat", "tenant_code": "mbc"}
QUEUED = TaskQueueEvent(**COMMON, record={})
SUB_TASK = StepFunctionTaskEvent(**COMMON, context={}, index=0, task_entity=a_fan_out())
CHANGED = TaskEvent(**COMMON, record={})


@dataclass(frozen=True, kw_only=True)
class CatFed(TaskQueueEvent):
    """A fork's own event."""


class OwnFactory(TaskQueueEventFactory):
    """A fork's own factory."""

    def __init__(self, *events):
        self.events = events

    def transform_task(self, event):
        return self.events

    def transform_step_function_task(self, event):
        return self.events


def feed(event, context):
    return "fed"


def groom(event, context):
    return "groomed"


@pytest.fixture
def cat():
    cat = TaskType("cat")
    cat.task(feed)
    cat.sub_task(groom)
    return cat


@pytest.mark.usefixtures("cat")
def test_events_go_to_the_handlers_of_their_task_type():
    assert find_handler(QUEUED) is feed
    assert find_handler(SUB_TASK) is groom
    assert find_handler(CatFed.of(QUEUED)) is feed


@pytest.mark.usefixtures("cat")
def test_event_of_another_kind_has_no_handler():
    assert find_handler(CHANGED) is None


def test_unknown_type_and_type_without_handlers_have_no_handler():
    assert find_handler(QUEUED) is None
    TaskType("cat")
    assert find_handler(QUEUED) is None
    assert find_handler(SUB_TASK) is None


@pytest.mark.usefixtures("cat")
def test_handler_of_an_event_class_comes_before_that_of_the_type_and_takes_no_other_class():
    assert event_handler(CatFed)(groom) is groom
    assert find_handler(CatFed.of(QUEUED)) is groom
    assert find_handler(QUEUED) is feed


def test_handler_of_an_event_class_needs_no_task_type():
    event_handler(TaskEvent)(groom)
    assert find_handler(CHANGED) is groom
    set_event_handlers({})
    assert find_handler(CHANGED) is None


def test_an_event_class_is_a_class():
    with pytest.raises(InvalidInput, match=r"^event_class: must be a class: .*TaskQueueEvent"):
        event_handler(TaskQueueEvent[int])(feed)


def test_event_class_has_one_handler():
    event_handler(CatFed)(feed)
    with pytest.raises(InvalidInput, match=r"^event_class: CatFed already has a handler$"):
        event_handler(CatFed)(groom)
    assert find_handler(CatFed.of(QUEUED)) is feed


@pytest.mark.usefixtures("cat")
def test_the_router_routes_by_type_as_it_is():
    router = HandlerRouter()
    assert router.routes_by_type is True
    assert router.resolve(QUEUED) == [(feed, QUEUED)]
    assert router.resolve(SUB_TASK) == [(groom, SUB_TASK)]


@pytest.mark.parametrize("event", [QUEUED, SUB_TASK])
def test_event_without_handler_is_refused_with_the_words_of_the_design(event):
    with pytest.raises(NoHandler, match=r"^no handler for task type 'cat'$"):
        HandlerRouter().resolve(event)
    assert isinstance(no_handler("cat"), NoHandler)


@pytest.mark.usefixtures("cat")
@pytest.mark.parametrize("event", [QUEUED, SUB_TASK])
def test_own_factory_decides_what_is_handled(event):
    event_handler(CatFed)(groom)
    own = CatFed.of(QUEUED)
    router = HandlerRouter(own_events=OwnFactory(own, QUEUED))
    assert router.routes_by_type is False
    assert router.resolve(event) == [(groom, own), (feed, QUEUED)]


def test_own_factory_is_asked_for_each_kind_of_event_by_its_own_method():
    class Strict(TaskQueueEventFactory):
        def transform_task(self, event):
            assert event is QUEUED
            return super().transform_task(event)

        def transform_step_function_task(self, event):
            assert event is SUB_TASK
            return super().transform_step_function_task(event)

    event_handler(TaskQueueEvent)(feed)
    event_handler(StepFunctionTaskEvent)(groom)
    router = HandlerRouter(own_events=Strict())
    assert router.resolve(QUEUED) == [(feed, QUEUED)]
    assert router.resolve(SUB_TASK) == [(groom, SUB_TASK)]


@pytest.mark.usefixtures("cat")
@pytest.mark.parametrize("events", [(), (CHANGED,), (QUEUED, CHANGED), (CHANGED, QUEUED)])
def test_own_factory_whose_events_are_not_all_handled_is_refused(events):
    with pytest.raises(NoHandler):
        HandlerRouter(own_events=OwnFactory(*events)).resolve(QUEUED)


def test_factory_of_a_subclass_does_not_route_by_type():
    assert HandlerRouter(own_events=OwnFactory()).routes_by_type is False


@pytest.mark.parametrize("event", [QUEUED, SUB_TASK])
def test_handler_is_certainly_lacking_where_events_route_by_type_and_none_is_there(event):
    assert HandlerRouter().lacks_handler(event) is True
    assert HandlerRouter(own_events=OwnFactory()).lacks_handler(event) is False
    event_handler(type(event))(feed)
    assert HandlerRouter().lacks_handler(event) is False


def test_handler_of_sub_tasks_is_looked_for_before_there_are_chunks():
    router = HandlerRouter()
    assert router.lacks_sub_task_handler(a_fan_out()) is True
    cat = TaskType("cat")
    cat.task(feed)
    assert router.lacks_sub_task_handler(a_fan_out()) is True
    cat.sub_task(feed)
    assert router.lacks_sub_task_handler(a_fan_out()) is False


def test_handler_of_the_event_class_handles_sub_tasks_too():
    event_handler(StepFunctionTaskEvent)(feed)
    assert HandlerRouter().lacks_sub_task_handler(a_fan_out()) is False


def test_with_own_factories_nothing_is_certain():
    class OwnEvents(EventFactory):
        """A fork's own."""

    assert HandlerRouter(events=OwnEvents()).lacks_sub_task_handler(a_fan_out()) is False
    assert HandlerRouter(own_events=OwnFactory()).lacks_sub_task_handler(a_fan_out()) is False


def test_event_base_carries_the_names_of_the_design():
    event = Event(**COMMON)
    assert (event.task_key.pk, event.task_type, event.tenant_code) == ("TASK#mbc", "cat", "mbc")
    assert (event.input, event.task_entity) == (None, None)
