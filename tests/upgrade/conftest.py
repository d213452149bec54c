"""Tests of upgrades run without a network, and without the log of what they play."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_network(socket_disabled: None) -> None:
    """A client that slipped past moto fails instead of reaching AWS."""


@pytest.fixture(autouse=True)
def no_log() -> Iterator[None]:
    """Thousands of lines that nobody reads."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
