"""How many modules of the layer a reader opens to follow a call: those whose functions it enters."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import serverless_tasks
from serverless_tasks import TaskType
from serverless_tasks.testing import MemoryStack

LAYER = Path(serverless_tasks.__path__[0])
VOCABULARY = {
    "adapters.log": "the one logger, and the keys of its lines",
    "adapters.meter": "counts what each request used, beside the work",
    "adapters.settings": "the environment, read once",
    "core.dynamodb": "how writes and items are spelled",
    "core.errors": "names",
    "core.inputs.json_text": "JSON as text, and its limits",
    "core.task.entity": "the task, which everything is about",
    "core.task.keys": "its key",
    "core.task.status": "its statuses",
    "core.times": "times as text",
    "core.usage.amounts": "sums of what was used",
    "workers.user_code.deadlines": "a time that ends user code, whatever it is",
    "workers.user_code.process": "what user code changes of its process, put back",
}
"""Modules that do not count, by name or folder: read once, known everywhere after that."""
MOST = {
    "creation": 2,
    "relay": 9,
    "queue worker": 13,
    "planner": 12,
    "chunk worker": 12,
    "chunk worker with a crew": 14,
    "finisher": 10,
}
"""Modules at most, from the call of each to its end. A number here only falls."""


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

    stack, found = MemoryStack(), dict[str, set[str]]()
    with watched(stack, found):
        with entered(found.setdefault("creation", set())):
            single = stack.service.create_task("mbc", "one", 1)
        assert stack.run(single.key).result == 1
        assert stack.run(stack.service.create_step_function_task("mbc", "many", [1, 2]).key).result == [1, 2]
    with watched(stack, at_once := {}):
        stack.run(stack.service.create_step_function_task("mbc", "crew", [1, 2]).key)
    return found | {"chunk worker with a crew": at_once["chunk worker"]}


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


@contextmanager
def entered(modules: set[str]) -> Iterator[None]:
    """Note the modules of the layer whose functions the block enters, in whichever thread."""

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and frame.f_code.co_name != "<module>" and path.is_relative_to(LAYER):
            name = ".".join(path.relative_to(LAYER).with_suffix("").parts)
            if not name.startswith("testing.") and not _is_vocabulary(name):
                modules.add(name)

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(before)


def _is_vocabulary(name: str) -> bool:
    return any(f"{name}.".startswith(f"{word}.") for word in VOCABULARY)
