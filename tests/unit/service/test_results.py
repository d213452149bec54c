"""Links to all outcomes: in input order, whole, and the same however often they are asked for."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from serverless_tasks import ResultLinks, TaskKey, TaskKind, TaskNotFound, TaskOpen, TaskType
from serverless_tasks.testing import MemoryStack, WorkerKilled

from tests.support.tasks import relay_all

LARGE = "r" * 5000


def ended(stack: MemoryStack, elements: list[Any], chunk_size: int = 2) -> TaskKey:
    """A fan-out whose sub-tasks return their elements."""
    TaskType("cat", chunk_size=chunk_size, max_attempts=1).sub_task(lambda event, context: event.input)
    key = stack.service.create_step_function_task("mbc", "cat", elements).key
    stack.run(key)
    return key


def lines(stack: MemoryStack, links: ResultLinks) -> list[list[Any]]:
    """What each link leads to."""
    texts = [stack.memory.payloads.objects[link.url.removeprefix("memory:")] for link in links.items]
    found = [[json.loads(line) for line in text.splitlines()] for text in texts]
    assert [len(part) for part in found] == [link.count for link in links.items]
    return found


def test_outcomes_of_items_come_in_one_object(stack):
    key = ended(stack, ["a", "b", "c", "d", "e"])

    links = stack.service.result_links(key)

    [found] = lines(stack, links)
    assert [(line["index"], line["status"], line["result"]) for line in found] == [
        (index, "COMPLETED", letter) for index, letter in enumerate("abcde")
    ]
    assert links.items[0].first == 0
    assert links.items[0].url.startswith(f"memory:payloads/mbc/{key.code}/results/")


def test_outcomes_in_the_bucket_are_linked_where_they_are_between_those_of_items(stack):
    # GIVEN chunks of two: small, small, large, large, small, and the large ones in objects of their own
    key = ended(stack, ["a", "b", "c", "d", LARGE, "f", LARGE, "h", "i"])
    before = set(stack.memory.payloads.objects)

    links = stack.service.result_links(stack.task(key))

    # THEN the parts follow each other and hold every sub-task once
    assert [(link.first, link.count) for link in links.items] == [(0, 4), (4, 2), (6, 2), (8, 1)]
    assert [line["index"] for part in lines(stack, links) for line in part] == list(range(9))
    # AND only what was in items is written, and a list of these objects
    assert len(set(stack.memory.payloads.objects) - before) == 3


@pytest.mark.parametrize(
    ("elements", "objects"), [(["a"], 1), (["a", LARGE], 1), (["a", LARGE, "b", LARGE, "c"], 4), ([LARGE], 0)]
)
def test_a_reader_who_asks_again_writes_nothing(stack, monkeypatch, elements, objects):
    key = ended(stack, elements, chunk_size=1)
    written, put = [], stack.memory.payloads.put
    monkeypatch.setattr(stack.memory.payloads, "put", lambda key, *more: written.append(key) or put(key, *more))

    first = stack.service.result_links(key)
    assert len(written) == objects

    assert stack.service.result_links(key).items == first.items
    assert len(written) == objects


def test_a_call_that_was_cut_short_is_made_good_by_the_next_one(stack, monkeypatch):
    # GIVEN a first call that ends before its last object is there
    key = ended(stack, ["a", LARGE, "b"], chunk_size=1)
    put, calls = stack.memory.payloads.put, iter([True, False])

    def until_killed(*given):
        if not next(calls):
            raise WorkerKilled
        return put(*given)

    with monkeypatch.context() as patch:
        patch.setattr(stack.memory.payloads, "put", until_killed)
        with pytest.raises(WorkerKilled):
            stack.service.result_links(key)

    # THEN every link of the next one leads somewhere
    assert [line["result"] for part in lines(stack, stack.service.result_links(key)) for line in part] == [
        "a",
        LARGE,
        "b",
    ]


def test_a_bucket_that_does_not_say_whether_an_object_is_there_gets_it_again(stack, monkeypatch):
    def refuse(_):
        raise ClientError({"Error": {"Code": "403", "Message": "no"}}, "HeadObject")

    key = ended(stack, [1])
    before = stack.service.result_links(key).items
    monkeypatch.setattr(stack.memory.payloads, "find", refuse)
    assert stack.service.result_links(key).items == before


def test_links_end_after_15_minutes(stack):
    key = ended(stack, ["a"])
    stack.clock.now = stack.clock.now.replace(hour=12, minute=0, second=0, microsecond=0)

    assert stack.service.result_links(key).expires_at.endswith("T12:15:00.000Z")


def test_a_failed_sub_task_has_its_error_and_its_run(stack):
    TaskType("cat", max_attempts=1).sub_task(lambda event, context: 1 / event.input)
    key = stack.service.create_step_function_task("mbc", "cat", [0]).key
    stack.run(key)
    stack.service.retry_task(key)
    stack.run(key)

    [[line]] = lines(stack, stack.service.result_links(key))

    assert (line["status"], line["run"], line["error"]["type"]) == ("FAILED", 1, "ZeroDivisionError")


def empty(stack: MemoryStack, key: TaskKey) -> bool:
    [link] = stack.service.result_links(key).items
    return (link.first, link.count, lines(stack, ResultLinks([link], ""))) == (0, 0, [[]])


def test_a_task_without_outcomes_has_an_empty_object(stack):
    # GIVEN an empty list, a task cancelled before its plan, and one cancelled right after it
    nothing = ended(stack, [])
    unplanned, planned = (stack.service.create_step_function_task("mbc", "cat", [1, 2]).key for _ in "ab")
    stack.service.cancel_task(unplanned)
    relay_all(stack)
    stack._executions()[-1].step()
    stack.service.cancel_task(planned)

    assert all(empty(stack, key) for key in (nothing, unplanned, planned))


def test_chunks_that_were_not_begun_are_left_out(stack):
    # GIVEN four chunks of two, of which the second is cut short by a cancel, and the last two never begin
    cat = TaskType("cat", chunk_size=2)

    @cat.sub_task
    def handle(event, context):
        if event.index == 2:
            stack.service.cancel_task(key)
            stack.clock.advance(6)  # so that the outcome is written at once, and the cancel seen
        return event.index

    key = stack.service.create_step_function_task("mbc", "cat", list(range(8))).key
    stack.run(key)

    links = stack.service.result_links(key)

    assert [(link.first, link.count) for link in links.items] == [(0, 4)]
    [[first, second, third, fourth]] = lines(stack, links)
    assert [first["result"], second["result"], third["result"], fourth] == [0, 1, 2, None]


def test_asked_again_nothing_is_added(stack):
    key = ended(stack, ["a", "b", "c"])
    links = stack.service.result_links(key)
    objects = dict(stack.memory.payloads.objects)

    assert stack.service.result_links(key) == links
    assert stack.memory.payloads.objects == objects


def test_a_worker_that_comes_late_changes_nothing_behind_a_link(stack):
    # GIVEN a task that is cancelled, and its links
    cat = TaskType("cat", chunk_size=1)
    seen = []

    @cat.sub_task
    def handle(event, context):
        if event.index == 1:
            stack.service.cancel_task(key)
            seen.append(stack.service.result_links(key))
        return event.index

    key = stack.service.create_step_function_task("mbc", "cat", [0, 1]).key
    stack.run(key)

    # THEN what the worker still wrote is behind new links only
    assert lines(stack, seen[0]) == [lines(stack, stack.service.result_links(key))[0][:1]]
    assert len(lines(stack, stack.service.result_links(key))[0]) == 2


@pytest.mark.parametrize("status", ["CREATED", "PROCESSING"])
def test_an_open_task_is_refused_with_what_to_do(stack, status):
    TaskType("cat").sub_task(lambda event, context: None)
    key = stack.service.create_step_function_task("mbc", "cat", [1]).key
    while str(stack.task(key).status) != status:
        stack.step()

    with pytest.raises(TaskOpen, match=f"^the task is {status}; ask again when it has ended, or list its sub-tasks"):
        stack.service.result_links(key)


def test_a_single_task_has_its_result_itself(stack):
    key = stack.service.create_task("mbc", "cat", 1).key

    with pytest.raises(TaskNotFound, match=r"its result is in the task itself$"):
        stack.service.result_links(key)
    with pytest.raises(TaskNotFound, match="there is no task"):
        stack.service.result_links(TaskKey.of(TaskKind.SFN_TASK, "mbc", "cat", key.code))


def test_asking_may_die_anywhere(stack, monkeypatch):
    key = ended(stack, ["a", LARGE, "c"], chunk_size=1)
    put = stack.memory.payloads.put

    def dying(*args: Any) -> None:
        put(*args)
        raise WorkerKilled

    monkeypatch.setattr(stack.memory.payloads, "put", dying)
    with pytest.raises(WorkerKilled):
        stack.service.result_links(key)
    monkeypatch.undo()

    assert [line["index"] for part in lines(stack, stack.service.result_links(key)) for line in part] == [0, 1, 2]
