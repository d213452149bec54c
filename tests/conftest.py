"""Fixtures for all tests: named here, once, so that what they start is started once."""

from typing import Any

import pytest

from tests.support.cloud import cloud, fork, forked, plain
from tests.support.groups import CloudScheduling, arrange, tell_apart
from tests.support.network import event_loops

__all__ = ["cloud", "event_loops", "fork", "forked", "plain"]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> CloudScheduling | None:
    """Keep together what shares a local cloud."""
    return CloudScheduling(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let no two tests have one name."""
    tell_apart(item)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to the end what looks at the calls of all other tests."""
    arrange(items)
