"""Fixtures for all tests: named here, once, so that what they start is started once."""

from collections.abc import Generator
from typing import Any

import pytest
from coverage import Coverage

from tests.support.cloud import cloud, fork, forked, plain
from tests.support.groups import CloudScheduling, arrange, tell_apart
from tests.support.network import event_loops

__all__ = ["cloud", "event_loops", "fork", "forked", "plain"]


TRACED = {"unit", "integration", "runtime"}
"""Folders whose tests show that each line of the layer is covered. The model's millions of steps would only pay for it:
half as much again, for lines that the others have run."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> CloudScheduling | None:
    """Keep together what shares a local cloud."""
    return CloudScheduling(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let no two tests have one name."""
    tell_apart(item)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to the end what looks at the calls of all other tests."""
    arrange(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count the lines that a test runs only where that is what it is for."""
    coverage = None if TRACED & set(item.path.parts) else Coverage.current()
    if coverage:
        coverage.stop()
    try:
        return (yield)
    finally:
        if coverage:
            coverage.start()
