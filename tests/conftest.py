"""Fixtures for all tests: named here, once, so that what they start is started once."""

from tests.support.cloud import cloud, fork, forked
from tests.support.network import event_loops

__all__ = ["cloud", "event_loops", "fork", "forked"]
