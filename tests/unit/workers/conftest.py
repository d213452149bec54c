"""Worker tests run the real workers over the stack in memory."""

from collections.abc import Iterator

import pytest
from serverless_tasks.core.dispatch import forget_event_handlers
from serverless_tasks.core.task_type import forget_task_types
from serverless_tasks.testing import MemoryStack


@pytest.fixture(autouse=True)
def no_task_types() -> Iterator[None]:
    """Each test defines its own task types."""
    yield
    forget_task_types()
    forget_event_handlers()


@pytest.fixture
def stack() -> MemoryStack:
    return MemoryStack()
