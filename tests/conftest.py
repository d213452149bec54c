"""Fixtures for all tests: named here, once, so that what they start is started once."""

import pytest

from tests.support.cloud import cloud, fork, forked
from tests.support.groups import arrange
from tests.support.network import event_loops

__all__ = ["cloud", "event_loops", "fork", "forked"]


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the names of groups in a hook of the same name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares a local cloud, and leave to the end what looks at the calls of all other tests."""
    arrange(items)
