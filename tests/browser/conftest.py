"""Tests in a real browser. Without one they are left out, which the end of the report says; in CI they fail."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.browser import Browser, running
from tests.support.chromium import Found, NoBrowser, find

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Pictures are made when they are asked for: they change with every font."""
    parser.addoption("--screenshots", action="store_true", help="write docs/images/console-*.png anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tests of this folder out where there is no browser, unless a machine that should have one runs them."""
    missing = _missing()
    if missing is None or os.environ.get("CI") == "true":
        return
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.skip(reason=f"{missing}"))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser of this session."""
    with running(_found(), tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The browser with an empty tab, as on the first day."""
    chromium.begin()
    return chromium


@cache
def _found() -> Found:
    return find()


def _missing() -> NoBrowser | None:
    try:
        _found()
    except NoBrowser as missing:
        return missing
    return None
