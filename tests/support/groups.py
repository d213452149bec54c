"""Which tests with a local cloud one worker of pytest-xdist runs, and in which order.

Most of their time they wait, so two workers take little more than half of it. Tests that share a cloud stay together,
the largest group first. (`--dist loadgroup` would ask for groups by a marker, but pytest-xdist 3.8 writes them where
pytest 9 no longer reads.)
"""

from pathlib import PurePosixPath

import pytest
from _pytest.nodeid import NodeId
from xdist.scheduler import LoadScopeScheduling

OWN_CLOUDS = {
    "test_bad_days.py",
    "test_docs.py",
    "test_launcher.py",
    "test_notifications.py",
    "test_published_description.py",
    "test_readme.py",
    "test_snap_start.py",
    "test_without_api.py",
}
"""Files of ``tests/e2e`` that have clouds of their own, or several; all others share one."""


class CloudScheduling(LoadScopeScheduling):
    """A cloud, a worker."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.partition("::")[0])
        return path.name if path.name in OWN_CLOUDS else path.parent.name


def tell_apart(item: pytest.Item) -> None:
    """Give each operation's item of schemathesis a name of its own: of one name, pytest-xdist would run one item.

    It has one, but where pytest 9 no longer reads, like the groups of pytest-xdist.
    """
    if not item.nodeid.endswith(item.name):
        item._id = NodeId.parse(f"{item.parent.nodeid}::{item.name}")


def arrange(items: list[pytest.Item]) -> None:
    """Leave to the end what looks at the calls of all others. Raises where `OWN_CLOUDS` is not true."""
    sharing = {item.path.name for item in items if "forked" in getattr(item, "fixturenames", ())}
    if sharing & OWN_CLOUDS:
        raise pytest.UsageError(f"tests/support/groups.py: {sorted(sharing & OWN_CLOUDS)} share the cloud `forked`")
    items.sort(key=lambda item: item.get_closest_marker("at_the_end") is not None)
