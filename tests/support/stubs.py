"""A client whose answers a test writes, for what moto never does: faults, throttles, half-done batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.stub import Stubber
from serverless_tasks.adapters.cloud import make_client

from tests.support.clients import nobodys_account


@contextmanager
def stubbed(service: str) -> Iterator[tuple[Any, Stubber]]:
    """The client and its stubber; every answer must be asked for."""
    client = _client(service)
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


@cache
def _client(service: str) -> Any:
    with nobodys_account():
        return make_client(service)
