"""A fixture for the ``conftest.py`` of a folder: each of its tests defines its own task types."""

import pytest
from serverless_tasks.core.task_types.task_type import forget_task_types


@pytest.fixture(autouse=True)
def no_task_types(own_task_types: None) -> None:
    """Forget the task types of imported files."""
    forget_task_types()
