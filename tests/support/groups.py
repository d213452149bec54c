"""Which tests one worker of pytest-xdist runs, and in which order, where some of them have local clouds.

Tests with a cloud wait most of their time, all others compute: together they keep two cores busy with three workers.
(`--dist loadgroup` would ask for groups by a marker, but pytest-xdist 3.8 writes them where pytest 9 no longer reads.)
"""

from pathlib import PurePosixPath

import pytest
from _pytest.nodeid import NodeId
from xdist.scheduler import LoadScopeScheduling

ONE_CLOUD = {"e2e", "browser", "runtime"}
"""Folders of ``tests`` whose files share a cloud: one group each."""
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
"""Files of ``tests/e2e`` that have clouds of their own, or several."""
LONGEST = (
    "e2e",
    "test_forking.py",
    "browser",
    "test_states.py",
    "test_published_description.py",
    "test_schedules.py",
    "test_launcher.py",
    "test_snap_start.py",
    "test_readme.py",
)
"""The groups that begin first: what waits and what computes in turn. All others are short."""


class CloudScheduling(LoadScopeScheduling):
    """A cloud, a worker; without one, a file, a worker. The groups begin in the order of `arrange`."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(PurePosixPath(nodeid.partition("::")[0]))


def _group(path: PurePosixPath) -> str:
    shares = path.parent.name in ONE_CLOUD and path.name not in OWN_CLOUDS
    return path.parent.name if shares else path.name


def tell_apart(item: pytest.Item) -> None:
    """Give each operation's item of schemathesis a name of its own: of one name, pytest-xdist would run one item.

    It has one, but where pytest 9 no longer reads, like the groups of pytest-xdist.
    """
    if not item.nodeid.endswith(item.name):
        item._id = NodeId.parse(f"{item.parent.nodeid}::{item.name}")


def arrange(items: list[pytest.Item]) -> None:
    """The longest groups first; within one, what looks at the calls of all others last.

    Raises where `OWN_CLOUDS` is not true.
    """
    sharing = {item.path.name for item in items if "forked" in getattr(item, "fixturenames", ())}
    if sharing & OWN_CLOUDS:
        raise pytest.UsageError(f"tests/support/groups.py: {sorted(sharing & OWN_CLOUDS)} share the cloud `forked`")
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, bool]:
    group = _group(PurePosixPath(item.path.as_posix()))
    rank = LONGEST.index(group) if group in LONGEST else len(LONGEST)
    return rank, item.get_closest_marker("at_the_end") is not None
