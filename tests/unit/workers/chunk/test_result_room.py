"""How much of its results a chunk holds in its lines: a bound, whatever handlers return."""

import json
from typing import Any

import pytest
from serverless_tasks import TaskKey, TaskStatus, TaskType
from serverless_tasks.core.fan_out.outcomes import RESULT_LIMIT, RESULTS_LIMIT, fits_line
from serverless_tasks.core.inputs.json_text import INLINE_LIMIT
from serverless_tasks.testing import MemoryStack, WorkerKilled

from tests.support.tasks import relay_all

pytestmark = pytest.mark.usefixtures("event_loops")

MANY = 1000
NEAR = RESULT_LIMIT - 10
LINES = MANY * (INLINE_LIMIT + 500)
"""Bytes that lines have besides: small results, references, and what every line says."""


def run(stack: MemoryStack, count: int) -> TaskKey:
    """A fan-out with one chunk, run to its end."""
    key = stack.service.create_step_function_task("mbc", "cat", list(range(count))).key
    stack.run(key)
    return key


def outcomes_written(stack: MemoryStack, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the objects with outcomes, as they are written."""
    sizes, put = list[int](), stack.memory.payloads.put

    def noting(key: str, text: Any, content_type: str = "") -> Any:
        reference = put(key, text, content_type)
        sizes.extend([reference["bytes"]] if "/outcomes/" in key else [])
        return reference

    monkeypatch.setattr(stack.memory.payloads, "put", noting)
    return sizes


@pytest.mark.parametrize(
    ("size", "taken", "fits"),
    [
        (RESULT_LIMIT, 0, True),
        (RESULT_LIMIT + 1, 0, False),
        (RESULT_LIMIT, RESULTS_LIMIT - RESULT_LIMIT, True),
        (RESULT_LIMIT, RESULTS_LIMIT - RESULT_LIMIT + 1, False),
        (INLINE_LIMIT, RESULTS_LIMIT, True),
        (INLINE_LIMIT + 1, RESULTS_LIMIT, False),
    ],
)
def test_what_stays_in_its_line(size, taken, fits):
    assert fits_line(size, taken) is fits


@pytest.mark.parametrize("concurrency", [1, 4])
def test_many_large_results_are_bounded_and_all_there(stack, monkeypatch, concurrency):
    cat = TaskType("cat", chunk_size=MANY, concurrency=concurrency)
    sizes = outcomes_written(stack, monkeypatch)
    seen = list[int]()

    @cat.sub_task
    async def handle(event, context):
        return f"{event.index:04}" + "r" * (NEAR if event.index % 5 else 100)

    @cat.finished
    def finished(event, outcomes):
        seen.extend(int(outcome.result[:4]) for outcome in outcomes)

    key = run(stack, MANY)

    # THEN what a worker holds is bounded, and about what may be in lines is in them
    assert RESULTS_LIMIT - RESULT_LIMIT < max(sizes) <= RESULTS_LIMIT + LINES
    # AND the fan-in, links and lists have every result
    assert seen == list(range(MANY))
    objects, [link] = stack.memory.payloads.objects, stack.service.result_links(key).items
    lines = [json.loads(line) for line in objects[link.url.removeprefix("memory:")].splitlines()]
    assert [int(_result(stack, line)[:4]) for line in lines] == list(range(MANY))
    [page] = [stack.service.list_sub_tasks(key, limit=10)]
    assert [int(_result(stack, sub_task.attributes)[:4]) for sub_task in page.items] == list(range(len(page.items)))


def _result(stack: MemoryStack, said: Any) -> str:
    loaded = said.get("result") or stack.memory.payloads.load(said["resultRef"])
    assert isinstance(loaded, str)
    return loaded


def test_results_of_an_earlier_claim_take_their_room(stack, monkeypatch):
    monkeypatch.setattr("serverless_tasks.core.fan_out.outcomes.RESULTS_LIMIT", 50_000)
    cat = TaskType("cat", chunk_size=20, max_attempts=2)
    sizes = outcomes_written(stack, monkeypatch)

    @cat.sub_task
    def handle(event, context):
        if event.index == 10 and context.attempt == 1:
            stack.clock.advance(890)  # no time for another one in this invocation
        return "r" * 8000

    key = run(stack, 20)

    assert len(sizes) > 1
    assert max(sizes) < 50_000 + 20 * 500
    assert stack.task(key).attributes["subTaskSucceedCount"] == 20


def test_a_result_from_outside_has_an_object_of_its_own_where_there_is_no_room(stack, monkeypatch):
    monkeypatch.setattr("serverless_tasks.core.fan_out.outcomes.RESULTS_LIMIT", 20_000)
    TaskType("cat", chunk_size=3).sub_task(lambda event, context: None)
    key = stack.service.create_step_function_task("mbc", "cat", [0, 1, 2]).key
    relay_all(stack)
    stack._executions()[0].step()

    found = [
        stack.service.update_sub_task_status(key.sub_task(index), TaskStatus.COMPLETED, {"result": f"{index}" * 9000})
        for index in range(3)
    ]

    assert [set(sub_task.attributes) for sub_task in found] == [{"result"}, {"result"}, {"resultRef"}]
    assert stack.memory.payloads.load(found[2].attributes["resultRef"]) == "2" * 9000


def test_an_isolating_worker_writes_large_outcomes_now_and_then(stack, monkeypatch):
    monkeypatch.setattr("serverless_tasks.workers.chunk.run.EACH_BYTES", 50_000)
    cat = TaskType("cat", chunk_size=100, max_attempts=2)
    sizes, ran = outcomes_written(stack, monkeypatch), list[int]()

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        stack.clock.advance(1)
        if event.index == 60:
            raise WorkerKilled
        return "r" * 5000

    key = run(stack, 100)

    # THEN small outcomes are written after each sub-task, large ones every five seconds and ever more seldom
    assert len([size for size in sizes if size > 60_000]) < 40
    # AND each death is charged to the killer alone: one that nobody knew of, and its two attempts
    assert ran.count(60) == 3
    task = stack.task(key)
    assert (task.attributes["subTaskSucceedCount"], task.attributes["subTaskFailedCount"]) == (99, 1)
    # AND only what had run since the last write is run again
    assert len(ran) - 100 <= 2 + 3 * 10


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("is_async", [True, False])
def test_a_result_that_the_bucket_does_not_take_is_charged_to_no_sub_task(stack, monkeypatch, concurrency, is_async):
    cat = TaskType("cat", chunk_size=3, max_attempts=1, concurrency=concurrency)
    ran, put, refused = list[int](), stack.memory.payloads.put, list[str]()

    def handle(event, context):
        ran.append(event.index)
        return "r" * (300_000 if event.index == 0 else 1)

    async def handle_async(event, context):
        return handle(event, context)

    def refusing(key: str, *arguments: Any) -> Any:
        if "/results/" in key and not refused:
            refused.append(key)
            raise ConnectionError("reset")
        return put(key, *arguments)

    cat.sub_task(handle_async if is_async else handle)
    monkeypatch.setattr(stack.memory.payloads, "put", refusing)

    key = run(stack, 3)

    assert stack.task(key).status is TaskStatus.COMPLETED
    found = stack.service.list_sub_tasks(key).items
    assert [(sub_task.status, sub_task.attempt) for sub_task in found] == [(TaskStatus.COMPLETED, 1)] * 3
    assert ran.count(0) == 2
    assert concurrency > 1 or ran == [0, 0, 1, 2]
