"""The local clouds of a session, each started by the first test that asks for it."""

from collections.abc import Iterator

import pytest

from local.cloud import Connection
from tests.support.fork import Fork


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """A fork whose one task type is ``cat``."""
    return Fork(tmp_path_factory.mktemp("plain") / "repo").built_like_this_repository()


@pytest.fixture(scope="session")
def cloud(plain: Fork) -> Iterator[Connection]:
    """Its local cloud, up."""
    with plain.running() as running:
        yield running


@pytest.fixture(scope="session")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """A fork with all of the tests' own task types, and no other change."""
    return Fork(tmp_path_factory.mktemp("fork") / "repo").built_like_this_repository().with_probes().with_recorder()


@pytest.fixture(scope="session")
def forked(fork: Fork) -> Iterator[Connection]:
    """The fork's local cloud, up."""
    with fork.running() as running:
        yield running
