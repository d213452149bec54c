"""Unit tests run without a network, and forget the task types that they define."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from serverless_tasks.adapters.log import logger
from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.task_types.task_type import known_task_types
from serverless_tasks.testing import MemoryStack, registered


@pytest.fixture(autouse=True)
def no_network(socket_disabled):
    """Let pytest-socket refuse every socket."""


@pytest.fixture(autouse=True)
def own_task_types() -> Iterator[None]:
    """Task types of imported files are there; what a test defines is gone after it."""
    with registered(*known_task_types()):
        yield


@pytest.fixture
def stack() -> MemoryStack:
    """The stack in memory."""
    return MemoryStack()


@pytest.fixture
def before_writes(stack: MemoryStack, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Update], object]], None]:
    """``before_writes(act)`` calls ``act(update)`` before each update of the table, from now on."""
    write = stack.memory.table.update

    def watch(act: Callable[[Update], object]) -> None:
        monkeypatch.setattr(stack.memory.table, "update", lambda update: (act(update), write(update))[1])

    return watch


@pytest.fixture
def before_next_write(before_writes: Callable[..., None]) -> Callable[[Callable[[], object]], None]:
    """``before_next_write(act)`` calls ``act()`` before the next update of the table, and before no other."""

    def watch(act: Callable[[], object]) -> None:
        waiting = [act]
        before_writes(lambda _: waiting and waiting.pop()())

    return watch


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Call it for the lines that were logged since the test began."""
    handler, stream = logger.registered_handler, io.StringIO()
    before = handler.setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    handler.setStream(before)
