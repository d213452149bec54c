"""What a test without a network may open all the same."""

import pytest
import pytest_socket


@pytest.fixture
def event_loops(socket_disabled: None) -> None:
    """The pair of sockets by which an event loop wakes itself: they have no address, and lead nowhere else."""
    pytest_socket.enable_socket()
    pytest_socket.disable_socket(allow_unix_socket=True)
