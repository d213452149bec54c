"""Core tests: the same examples on every run, and no task type but a test's own."""

import pytest
from hypothesis import settings
from serverless_tasks.core.task_type import forget_task_types

settings.register_profile("same examples", derandomize=True, deadline=None, database=None)
settings.load_profile("same examples")


@pytest.fixture(autouse=True)
def no_task_types(own_task_types: None) -> None:
    """Each test here defines its own task types."""
    forget_task_types()
