"""Tests of task types: a handler may be `async def`, and its event loop needs a pair of sockets."""

import pytest


@pytest.fixture(autouse=True)
def with_event_loops(event_loops: None) -> None:
    """Allow them in every test here, and no other socket."""
