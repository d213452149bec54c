"""Unit tests run without a network: a test that opens a socket fails."""

import pytest


@pytest.fixture(autouse=True)
def no_network(socket_disabled):
    """Let pytest-socket refuse every socket."""
