"""The local clouds of a session, each started by the first test that asks for it."""

from collections.abc import Iterator

import pytest

from local.cloud import Connection, LocalCloud
from tests.support.fork import Fork


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """A local cloud with the stack in it."""
    with LocalCloud() as running:
        yield running


@pytest.fixture(scope="session")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """A fork that adds files to task_types and changes nothing else."""
    return Fork(tmp_path_factory.mktemp("fork") / "repo").with_probes().with_recorder()


@pytest.fixture(scope="session")
def forked(fork: Fork) -> Iterator[Connection]:
    """The fork's local cloud, up."""
    with fork.running() as running:
        yield running
