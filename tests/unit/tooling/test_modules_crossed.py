"""How many modules of the layer a reader opens to follow a call: those whose functions it enters."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from serverless_tasks import TaskType
from serverless_tasks.testing import MemoryStack

from tests.support.crossings import LAYER, VOCABULARY, entered

MOST = {
    "relay": 7,
    "queue worker": 11,
    "relay of a fan-out": 8,
    "planner": 11,
    "chunk worker": 11,
    "chunk worker with a crew": 13,
    "finisher": 9,
}
"""Modules at most, from the call of each to its end. A number here only falls. A single task crosses 13 + 7 + 11 from
its POST to its result: the API's are counted beside its tests."""


@pytest.mark.usefixtures("event_loops")
def test_no_call_crosses_more_modules_than_a_reader_can_follow():
    found = crossings()
    assert set(found) == set(MOST)
    assert "workers.chunk.run" in found["chunk worker"]
    assert "workers.chunk.crew" in found["chunk worker with a crew"] - found["chunk worker"]
    too_many = {name: sorted(modules) for name, modules in found.items() if len(modules) > MOST[name]}
    assert not too_many


def test_every_word_of_the_vocabulary_is_a_module_or_a_folder():
    for name in VOCABULARY:
        path = LAYER.joinpath(*name.split("."))
        assert path.is_dir() or path.with_suffix(".py").exists(), name


def crossings() -> dict[str, set[str]]:
    """The modules that each call enters: of a single task, a fan-out with a fan-in, and one with a crew."""
    one, many, crew = TaskType("one"), TaskType("many"), TaskType("crew", concurrency=2, chunk_size=2)
    one.task(lambda event, context: event.input)
    many.sub_task(lambda event, context: event.input)
    many.finished(lambda event, outcomes: [outcome.result for outcome in outcomes])

    @crew.sub_task
    async def sub_task(event, context):
        return event.input

    stack = MemoryStack()
    with watched(stack, single := {}):
        assert stack.run(stack.service.create_task("mbc", "one", 1).key).result == 1
    with watched(stack, listed := {}):
        assert stack.run(stack.service.create_step_function_task("mbc", "many", [1, 2]).key).result == [1, 2]
    with watched(stack, at_once := {}):
        stack.run(stack.service.create_step_function_task("mbc", "crew", [1, 2]).key)
    return {
        "relay": single["relay"],
        "queue worker": single["queue worker"],
        "relay of a fan-out": listed["relay"],
        "planner": listed["planner"],
        "chunk worker": listed["chunk worker"],
        "chunk worker with a crew": at_once["chunk worker"],
        "finisher": listed["finisher"],
    }


@contextmanager
def watched(stack: MemoryStack, found: dict[str, set[str]]) -> Iterator[None]:
    """Note the modules that each worker of the stack enters in the block."""

    def noting(modules: set[str], handle: Callable[..., Any]) -> Callable[..., Any]:
        def handle_and_note(*arguments: Any) -> Any:
            with entered(modules):
                return handle(*arguments)

        return handle_and_note

    with pytest.MonkeyPatch.context() as patch:
        for name in ("relay", "queue_worker", "planner", "chunk_worker", "finisher"):
            worker = getattr(stack, name)
            patch.setattr(worker, "handle", noting(found.setdefault(name.replace("_", " "), set()), worker.handle))
        yield
