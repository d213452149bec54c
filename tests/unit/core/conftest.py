"""Core tests: the same examples on every run, and no task type of one test in another."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from serverless_tasks.core.dispatch import forget_event_handlers
from serverless_tasks.core.task_type import forget_task_types

settings.register_profile("same examples", derandomize=True, deadline=None, database=None)
settings.load_profile("same examples")


@pytest.fixture(autouse=True)
def no_task_types() -> Iterator[None]:
    """Each test defines its own task types."""
    yield
    forget_task_types()
    forget_event_handlers()
