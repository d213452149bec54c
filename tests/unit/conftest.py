"""Unit tests run without a network, and forget the task types that they define."""

from collections.abc import Iterator

import pytest
from serverless_tasks.core.task_type import known_task_types
from serverless_tasks.testing import registered


@pytest.fixture(autouse=True)
def no_network(socket_disabled):
    """Let pytest-socket refuse every socket."""


@pytest.fixture(autouse=True)
def own_task_types() -> Iterator[None]:
    """Task types of imported files are there; what a test defines is gone after it."""
    with registered(*known_task_types()):
        yield
