"""Typed inputs: an annotation says what the input is; one that does not fit ends the task and names its field."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
import serverless_tasks
from pydantic import BaseModel, ConfigDict, Field, field_validator
from serverless_tasks import (
    Event,
    InvalidInput,
    PermanentError,
    StepFunctionTaskEvent,
    TaskQueueEvent,
    TaskQueueEventFactory,
    TaskStatus,
    TaskType,
    event_handler,
)
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.testing import MemoryStack, call_sub_task, call_task
from serverless_tasks.workers.user_code import loading
from serverless_tasks.workers.user_code.routing import HandlerRouter, input_type
from typing_extensions import TypeAliasType


class Place(BaseModel):
    latitude: Annotated[float, Field(ge=-90, le=90)]
    day: date = date(2026, 1, 1)


@dataclass
class Dog:
    name: str
    age: int = 1


class Cat(TypedDict):
    name: str


PlaceEvent = TypeAliasType("PlaceEvent", TaskQueueEvent[Place])


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    day: date
    count: int


class Fed(TaskQueueEvent[Cat]):
    """An event class of a fork's own."""


def run_one(stack: MemoryStack, value: Any):
    return stack.run(stack.service.create_task("mbc", "x", value).key)


def run_many(stack: MemoryStack, values: list[Any]):
    task = stack.run(stack.service.create_step_function_task("mbc", "x", values).key)
    return task, stack.service.list_sub_tasks(task.key).items


def test_a_task_gets_what_its_handler_is_annotated_with(stack):
    seen: list[Place] = []

    @TaskType("x").task
    def handle(event: TaskQueueEvent[Place], context):
        seen.append(event.input)
        return event.input.latitude

    task = run_one(stack, {"latitude": "61.5", "day": "2026-06-21"})  # texts, as CSV has them

    assert task.result == 61.5
    assert seen == [Place(latitude=61.5, day=date(2026, 6, 21))]
    assert task.input == {"latitude": "61.5", "day": "2026-06-21"}


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.usefixtures("event_loops")
def test_a_sub_task_that_does_not_fit_fails_alone_and_at_once(stack, concurrency, is_async):
    x = TaskType("x", max_attempts=3, concurrency=concurrency)

    def bark(event: StepFunctionTaskEvent[Dog], context):
        return f"{event.input.name} {event.input.age} {event.index}"

    async def bark_later(event: StepFunctionTaskEvent[Dog], context):
        return bark(event, context)

    x.sub_task(bark_later if is_async else bark)

    task, [good, bad, other] = run_many(stack, [{"name": "Rex"}, {"age": "old"}, {"name": "Bello", "age": 3}])

    assert task.status is TaskStatus.FAILED
    assert [good.attributes["result"], other.attributes["result"]] == ["Rex 1 0", "Bello 3 2"]
    assert (bad.status, bad.attempt) == (TaskStatus.FAILED, 1)
    assert bad.attributes["error"]["type"] == "InvalidInput"
    assert "input.name: " in bad.attributes["error"]["message"]
    assert "input.age: " in bad.attributes["error"]["message"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"latitude": 91}, "input.latitude: Input should be less than or equal to 90"),
        ({}, "input.latitude: Field required"),
        ({"latitude": 1, "day": "2026-02-30"}, "input.day: Input should be a valid date"),
        ([1], "input: Input should be an object"),
        (None, "input: Input should be an object"),
    ],
)
def test_a_task_that_does_not_fit_fails_without_another_attempt_and_names_the_field(stack, value, words):
    calls: list[Any] = []

    @TaskType("x", max_attempts=3).task
    def handle(event: TaskQueueEvent[Place], context):
        calls.append(event)

    task = run_one(stack, value)

    assert (task.status, task.attempt, task.error["type"]) == (TaskStatus.FAILED, 1, "InvalidInput")
    assert task.error["message"].startswith(words)
    assert not calls


def test_a_message_is_bounded_and_does_not_show_values(stack):
    @TaskType("x").task
    def handle(event: TaskQueueEvent[dict[str, dict[str, int]]], context): ...

    task = run_one(stack, {"n" * 500: {str(number): "secret" for number in range(100)}})

    assert "secret" not in task.error["message"]
    assert task.error["message"].endswith("and 95 more")
    assert len(task.error["message"]) <= 1000


def test_places_in_lists_are_named(stack):
    @TaskType("x").task
    def handle(event: TaskQueueEvent[list[Dog]], context): ...

    task = run_one(stack, [{"name": "Rex"}, {"name": "Bello", "age": None}])
    assert task.error["message"].startswith("input[1].age: ")


def test_a_strict_model_takes_dates_but_no_number_in_a_text(stack):
    @TaskType("x").task
    def handle(event: TaskQueueEvent[Strict], context):
        return event.input.day.year

    assert run_one(stack, {"day": "2026-06-21", "count": 3}).result == 2026
    assert run_one(stack, {"day": "2026-06-21", "count": "3"}).error["message"].startswith("input.count: ")


def test_what_a_models_own_validator_raises_besides_its_errors_is_user_codes(stack):
    class Unlucky(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def look(cls, number):
            raise {1: ConnectionError("nobody there"), 2: PermanentError("never")}.get(number, ValueError("too large"))

    @TaskType("x", max_attempts=2).task
    def handle(event: TaskQueueEvent[Unlucky], context): ...

    tasks = [run_one(stack, {"number": number}) for number in (1, 2, 3)]
    assert [task.error["type"] for task in tasks] == ["ConnectionError", "PermanentError", "InvalidInput"]
    assert [task.attempt for task in tasks] == [2, 1, 1]


def test_the_fan_in_sees_the_input_as_it_came(stack):
    x = TaskType("x")

    @x.sub_task
    def each(event: StepFunctionTaskEvent[Dog], context):
        return event.input.name

    @x.finished
    def gather(event: StepFunctionTaskEvent[Dog], outcomes):
        return [event.input[0], [outcome.result for outcome in outcomes]]

    assert run_many(stack, [{"name": "Rex"}])[0].result == [{"name": "Rex"}, ["Rex"]]


def test_an_event_class_of_ones_own_says_it_too():
    class Factory(TaskQueueEventFactory):
        def transform_task(self, event):
            return [Fed.of(event)]

    event_handler(Fed)(lambda event, context: event.input["name"])
    stack = MemoryStack(HandlerRouter(own_events=Factory()))
    assert run_one(stack, {"name": "Tom"}).result == "Tom"
    assert run_one(stack, {}).error["message"] == "input.name: Field required"


def test_one_call_of_a_test_makes_it_too():
    x = TaskType("x")
    x.task(dogs_task)
    x.sub_task(dogs_sub_task)
    assert (call_task(x, {"name": "Rex"}), call_sub_task(x, {"name": "Rex"})) == ("Rex", "Rex")
    for call in (call_task, call_sub_task):
        with pytest.raises(InvalidInput, match=r"^input\.name: Field required"):
            call(x, {})


def dogs_task(event: TaskQueueEvent[Dog], context):
    return event.input.name


def dogs_sub_task(event: StepFunctionTaskEvent[Dog], context):
    return event.input.name


# ---------------------------------------------------------------- annotations


def typed(event: TaskQueueEvent[Place], context): ...
def text(event: "TaskQueueEvent[Later]", context): ...
def bare(event: TaskQueueEvent, context): ...
def bare_text(event: "OnlyForTypeCheckers", context: "Nowhere[int]"): ...  # noqa: F821  # that is what is tested
def anything(event: TaskQueueEvent[Any], context): ...
def foreign(event: dict[str, Place], context): ...
def none(event, context): ...
def own(event: Fed, context): ...
def by_another_name(event: PlaceEvent, context): ...


def said_more_of(event: Annotated[TaskQueueEvent[Place], "more"], context): ...


def nothing(): ...
def unreadable(event: "TaskQueueEvent[Missing]", context): ...  # noqa: F821  # that is what is tested


class Later(BaseModel):
    """Defined after its handler."""


class Handlers:
    def method(self, event: TaskQueueEvent[Dog], context): ...

    def __call__(self, event: TaskQueueEvent[Dog], context): ...


@wraps(typed)
def wrapped(*arguments: Any) -> Any: ...


@pytest.mark.parametrize(
    ("handler", "wanted"),
    [
        *[(typed, Place), (text, Later), (bare, None), (bare_text, None), (anything, None), (foreign, None)],
        *[(none, None), (own, Cat), (nothing, None), (Handlers().method, Dog), (Handlers(), None), (wrapped, Place)],
        *[(lambda event, context: None, None), (by_another_name, Place), (said_more_of, Place)],
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),  # not its address, which every worker has anew
)
def test_what_an_annotation_says(handler, wanted):
    assert input_type(handler, Event) is wanted


def test_limits_in_a_text_are_kept():
    cat = TaskType("cat")

    @cat.task
    def feed(event: "TaskQueueEvent[Annotated[int, Field(le=9)]]", context):
        return event.input

    assert call_task(cat, 9) == 9
    with pytest.raises(InvalidInput, match="less than or equal to 9"):
        call_task(cat, 10)


def test_an_annotation_that_cannot_be_read_is_named():
    with pytest.raises(
        InvalidInput, match=r"^event: the annotation 'TaskQueueEvent\[Missing]' of unreadable .*Missing"
    ):
        input_type(unreadable, Event)


@pytest.mark.parametrize("register", [lambda: TaskType("x").sub_task, lambda: event_handler(Fed)])
def test_it_stops_a_worker_at_its_start(monkeypatch, register):
    monkeypatch.setattr(loading, "PACKAGE", "collections")
    register()(unreadable)
    with pytest.raises(InvalidInput, match="cannot be read"):
        loading.load_user_code(Settings())


def test_workers_without_typed_handlers_do_not_import_pydantic():
    modules = ", ".join(
        f"serverless_tasks.workers.{name}" for name in ("user_code.loading", "queue_worker", "chunk.run")
    )
    code = f"import sys, {modules}; print('pydantic' in sys.modules)"
    environment = {"PYTHONPATH": str(Path(serverless_tasks.__path__[0]).parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"
