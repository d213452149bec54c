"""Fixtures for all tests: named here, once, so that what they start is started once."""

from tests.support.cloud import cloud

__all__ = ["cloud"]
