"""Integration tests: the layer's real adapters and clients over moto, no network."""

from collections.abc import Iterator

import pytest
from serverless_tasks.testing import registered

from tests.support.moto_stack import MotoStack


@pytest.fixture(autouse=True)
def no_network(socket_disabled: None) -> None:
    """A client that slipped past moto fails instead of reaching AWS."""


@pytest.fixture(autouse=True)
def no_task_types() -> Iterator[None]:
    """Each test defines its own task types."""
    with registered():
        yield


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> Iterator[MotoStack]:
    """The whole stack; a test that wants other parameters of the template gives them indirectly."""
    with MotoStack(**getattr(request, "param", {})) as stack:
        yield stack
