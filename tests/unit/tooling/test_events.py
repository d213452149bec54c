"""The sample events are what AWS and this stack really send. (The API's are in ``api/test_api_events.py``.)"""

import hashlib
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from serverless_tasks import EventFactory, MalformedMessage, TaskEntity, TaskEvent, TaskStatus, TaskType
from serverless_tasks.core.dynamodb.attribute_values import decode_item, encode_item
from serverless_tasks.core.dynamodb.expressions import Put
from serverless_tasks.core.outbox.messages import task_message
from serverless_tasks.core.task.keys import TaskKey, is_code
from serverless_tasks.core.task.status import can_transition
from serverless_tasks.core.times import from_iso
from serverless_tasks.testing import MemoryStack, registered
from ulid import ULID

from tests.support import events
from tests.support.played import matches
from tests.support.resources import ROOT, stream_filters

FOREIGN = "relay-foreign-record"
CREATED = "relay-task-created"
FAN_OUT_CREATED = "relay-step-function-task-created"
RELAYED = [name for name in events.NAMES if name.startswith("relay-") and name != FOREIGN]
MACHINE, LANE = (
    json.loads(re.sub(r"\$\{[^}]+}", "0", (ROOT / "statemachine" / f"{name}.asl.json").read_text(encoding="utf-8")))
    for name in ("fan_out", "fast_lane")
)


@pytest.fixture(autouse=True)
def only_cats() -> Iterator[None]:
    """The type of the tasks in the events, and no other."""
    with registered():
        cat = TaskType("cat", max_attempts=3, timeout=60)
        for handles in (cat.task, cat.sub_task):
            handles(lambda event, context: {"fed": event.input["key"]})
        yield


def task_of(name: str) -> TaskEntity:
    return TaskEntity.from_item(decode_item(events.image(name)))


def relay_filter() -> dict[str, Any]:
    [pattern] = stream_filters("RelayFunction")
    return pattern


@pytest.mark.parametrize("name", events.NAMES)
def test_names_its_function_and_stands_in_the_readme(name: str):
    assert isinstance(events.load(name), dict)
    assert events.function_of(name) in events.FUNCTIONS
    table = (events.DIRECTORY / "README.md").read_text(encoding="utf-8")
    assert f"`{name}.json`" in table
    assert f"`sam local invoke {events.function_of(name)} -e events/{name}.json`" in table


def test_every_function_has_an_event_and_the_readme_names_no_other():
    assert {events.function_of(name) for name in events.NAMES} == set(events.FUNCTIONS)
    table = (events.DIRECTORY / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([a-z-]+)\.json`", table)) == set(events.NAMES)


# ---------------------------------------------------------------- relay


@pytest.mark.parametrize("name", [*RELAYED, FOREIGN])
def test_the_stream_filter_lets_only_our_tasks_through(name: str):
    [record] = events.load(name)["Records"]
    assert matches(relay_filter(), record) is (name != FOREIGN)
    image = record["dynamodb"]["NewImage"]
    assert record["dynamodb"]["Keys"] == {"pk": image["pk"], "sk": image["sk"]}


@pytest.mark.parametrize("name", RELAYED)
def test_a_record_holds_a_task_as_the_layer_writes_it(name: str):
    [event] = EventFactory().transform_dynamodb_stream(events.load(name))
    assert isinstance(event, TaskEvent)
    task = task_of(name)
    assert event.task_entity == task
    assert encode_item(task.to_item()) == events.image(name)
    assert task.tenant_code == "mbc"
    assert is_code(task.code)
    assert ULID.from_str(task.code).datetime == from_iso(task.created_at)


@pytest.mark.parametrize("name", RELAYED)
def test_a_task_got_where_it_is_by_allowed_transitions(name: str):
    task = task_of(name)
    path = [TaskStatus(entry["status"]) for entry in task.history]
    assert path[0] is TaskStatus.CREATED
    assert path[-1] is task.status
    assert all(can_transition(before, after) for before, after in pairwise(path))
    assert task.version == len(path) - 1
    assert task.history[-1]["at"] == task.updated_at


@pytest.mark.parametrize(
    ("before", "after"),
    [(CREATED, "relay-task-completed"), (FAN_OUT_CREATED, "relay-step-function-task-completed")],
)
def test_the_stack_makes_the_same_of_it(before: str, after: str):
    stack = stack_with(before)
    made = stack.run(task_of(before).key)
    shown = task_of(after)
    assert [entry["status"] for entry in shown.history] == [entry["status"] for entry in made.history]
    assert shown.attributes == made.attributes
    assert shown.done_chunks == made.done_chunks
    assert events.image(after).keys() == made.to_item().keys()


def test_a_foreign_record_holds_no_task():
    with pytest.raises(MalformedMessage):
        EventFactory().transform_dynamodb_stream(events.load(FOREIGN))


# ---------------------------------------------------------------- queue


def test_the_message_is_the_one_that_the_relay_sends():
    [event] = EventFactory().transform_sqs(events.load("queue-task"))
    assert event.task_key == task_of(CREATED).key
    assert json.loads(event.record["body"]) == task_message(task_of(CREATED))


def test_a_malformed_message_says_what_is_wrong_with_it():
    with pytest.raises(MalformedMessage, match="v must be 1"):
        EventFactory().transform_sqs(events.load("queue-malformed"))


@pytest.mark.parametrize("name", ["queue-task", "queue-malformed"])
def test_a_message_is_whole(name: str):
    [record] = events.load(name)["Records"]
    assert hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest() == record["md5OfBody"]


# ---------------------------------------------------------------- plan, chunk, finish


def test_calls_have_the_fields_that_the_state_machine_sends():
    plan, map_state = MACHINE["States"]["Plan"], MACHINE["States"]["RunChunks"]
    for name in ("plan-first", "plan-next-round"):
        assert events.load(name).keys() == {field.removesuffix(".$") for field in plan["Parameters"]}
    assert events.load("chunk").keys() == {field.removesuffix(".$") for field in map_state["ItemSelector"]}
    take_over = map_state["ItemProcessor"]["States"]["TakeOver"]["Parameters"]
    assert events.load("chunk-after-a-death").keys() == {field.removesuffix(".$") for field in take_over}
    started = {"pk", "sk", "run"}
    assert events.load("plan-first")["input"].keys() == started
    assert events.load("plan-next-round")["input"].keys() == events.load("finish").keys() == {*started, "plan"}
    assert events.load("finish-gave-up").keys() == {*started, "plan", "failure"}


def test_calls_have_the_fields_that_the_fast_lane_sends():
    plan, map_state, finish = (LANE["States"][name] for name in ("Plan", "RunChunks", "Finish"))
    free = map_state["ItemProcessor"]["States"]["Free"]
    sent = {
        "plan-in-lane": plan["Parameters"],
        "chunk-in-lane": map_state["ItemSelector"],
        "chunk-free": free["Parameters"],
        "finish-in-lane": finish["Parameters"],
    }
    for name, given in sent.items():
        assert events.load(name).keys() == {field.removesuffix(".$") for field in given}


def test_calls_of_the_fast_lane_follow_from_each_other():
    stack = stack_with(FAN_OUT_CREATED)
    key = task_of(FAN_OUT_CREATED).key
    plan = stack.invoke("plan", events.load("plan-in-lane"))
    assert plan["seconds"] == events.load("chunk-in-lane")["seconds"]
    first, *others = plan["chunks"]
    assert stack.invoke("chunk", events.load("chunk-free")) == {}  # before a claim
    assert stack.invoke("finish", events.load("finish-in-lane")) == {"next": "hand-over"}
    for number in (first, *others):
        stack.invoke("chunk", {**events.load("chunk-in-lane"), "chunk": number})
    assert stack.invoke("finish", events.load("finish-in-lane")) == {}
    assert stack.task(key).status is TaskStatus.COMPLETED


def test_calls_follow_from_each_other():
    stack = stack_with(FAN_OUT_CREATED)
    stack.relay_one()
    key = task_of(FAN_OUT_CREATED).key
    first, next_round, finish = (events.load(name) for name in ("plan-first", "plan-next-round", "finish"))
    plan = stack.invoke("plan", first)
    assert next_round == {**first, "input": {**first["input"], "plan": plan}}
    for number in plan["chunks"]:
        stack.invoke("chunk", {**events.load("chunk"), "chunk": number})
    assert stack.invoke("plan", next_round) == finish["plan"]
    stack.invoke("finish", finish)
    assert stack.task(key).status is TaskStatus.COMPLETED
    assert stack.task(key).attributes["subTaskSucceedCount"] == 6


def test_finish_understands_the_failure():
    stack = stack_with(FAN_OUT_CREATED)
    event = events.load("finish-gave-up")
    stack.invoke("finish", event)
    task = stack.task(TaskKey(event["pk"], event["sk"]))
    assert task.status is TaskStatus.FAILED
    assert task.error
    assert "Sandbox.Timedout" in task.error["message"]


# ---------------------------------------------------------------- sweeper


def test_the_tick_is_a_scheduled_event():
    tick = events.load("sweeper-tick")
    assert (tick["source"], tick["detail-type"], tick["detail"]) == ("aws.events", "Scheduled Event", {})


def stack_with(name: str) -> MemoryStack:
    """A stack in memory that holds the task of a relay's event, at the time it was created."""
    stack = MemoryStack()
    task = task_of(name)
    stack.clock.now = from_iso(task.created_at)
    stack.memory.table.put(Put(task.to_item()))
    return stack
