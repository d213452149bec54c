"""Worker tests run the real workers over the stack in memory."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from serverless_tasks.core.task_type import forget_task_types
from serverless_tasks.testing import MemoryStack
from serverless_tasks.workers.log import logger


@pytest.fixture(autouse=True)
def no_task_types(own_task_types: None) -> None:
    """Each test here defines its own task types."""
    forget_task_types()


@pytest.fixture
def stack() -> MemoryStack:
    return MemoryStack()


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Call it for the lines that were logged since the test began."""
    handler, stream = logger.registered_handler, io.StringIO()
    before = handler.setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    handler.setStream(before)
