"""One local cloud for all tests of a session that need one."""

from collections.abc import Iterator

import pytest

from local.cloud import LocalCloud


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """A local cloud with the stack in it, started by the first test that asks for it."""
    with LocalCloud() as running:
        yield running
