"""Which tests with a local cloud run in one worker of pytest-xdist (`--dist loadgroup`), and in which order.

Most of their time they wait, so two workers take little more than half of it. Tests that share a cloud stay together.
"""

import pytest

from local.paths import ROOT

SHARED, BROWSER = "shared cloud", "browser"
FIRST = (SHARED, BROWSER)
"""The longest first, each on a worker and a cloud of its own; what is short fills up."""


def arrange(items: list[pytest.Item]) -> None:
    """Name the group of each test with a local cloud, and order these tests."""
    clouds = [item for item in items if item.path.parent in (ROOT / "tests" / "e2e", ROOT / "tests" / "browser")]
    others = [item for item in items if item not in set(clouds)]
    for item in clouds:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items[:] = [*others, *sorted(clouds, key=_place)]


def _group(item: pytest.Item) -> str:
    if item.path.parent.name == BROWSER:
        return BROWSER
    return SHARED if "forked" in getattr(item, "fixturenames", ()) else item.path.stem


def _place(item: pytest.Item) -> tuple[int, bool]:
    group = _group(item)
    place = FIRST.index(group) if group in FIRST else len(FIRST)
    return place, item.get_closest_marker("at_the_end") is not None
