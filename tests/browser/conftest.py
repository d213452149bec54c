"""Tests in a real browser. Without one they are left out, which the end of the report says; in CI they fail."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from serverless_tasks import TaskKind, TaskStatus
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS
from ulid import ULID

from local.cloud import Connection
from local.paths import ROOT
from tests.support.browser import Browser, running
from tests.support.chromium import Found, NoBrowser, find
from tests.support.console import Console
from tests.support.driver import Driver, Json
from tests.support.planted import ago, lost_task, plant, plant_fan_out
from tests.support.static_files import served

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


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """Address of the console's files alone, without a cloud."""
    with served(ROOT / "functions" / "console" / "static") as address:
        yield address


@pytest.fixture(scope="module")
def page(chromium: Browser, files: str) -> Browser:
    """One tab for a module of tests whose scripts need no page, and so leave nothing behind."""
    chromium.begin()
    chromium.get(f"{files}/icon.svg")
    return chromium


@pytest.fixture(scope="module")
def call(page: Browser, files: str) -> Callable[..., Any]:
    """Call a function of a module of the console, JSON in and out; ``undefined`` becomes None."""

    def run(module: str, function: str, *arguments: Any) -> Any:
        script = "const [url, name, given] = args; return (await import(url))[name](...given)"
        return page.module(script, f"{files}/{module}.js", function, arguments)

    return run


@pytest.fixture
def stranger(browser: Browser, forked: Connection) -> Console:
    """The console of the local cloud, nobody signed in."""
    console = Console(browser, forked.stack)
    console.forget()
    return console


@pytest.fixture(scope="session")
def alices_session(chromium: Browser, forked: Connection) -> Json:
    """What the tab keeps once alice has signed in, so that she need not do it for each test."""
    chromium.begin()
    console = Console(chromium, forked.stack)
    console.forget()
    console.sign_in("alice")
    return console.storage()


@pytest.fixture
def console(alices_session: Json, browser: Browser, forked: Connection) -> Console:
    """The console of the local cloud with alice signed in."""
    console = Console(browser, forked.stack)
    console.resume(alices_session)
    return console


@pytest.fixture
def tasks(forked: Connection) -> Driver:
    """A client of the same cloud's API."""
    return Driver(forked)


@pytest.fixture(scope="session")
def ended(forked: Connection) -> Json:
    """A fan-out of alice's in which one sub-task of many has failed."""
    parcels: list[Json] = [{"street": "Cat Lane", "number": n, "seconds": n % 3 / 10} for n in range(1, 61)]
    parcels[37]["lost"] = True
    return Driver(forked).run_fan_out("parcel", parcels, name="Five dozen parcels")


@pytest.fixture
def waiting(forked: Connection, ended: Json) -> Json:
    """A task of alice's that stays as it is, since no worker has its message; the sweeper sends one in an hour."""
    name = f"Parcel {ULID()}"
    task = lost_task(
        TaskKind.TASK,
        TaskStatus.CREATED,
        "parcel",
        name=name,
        input_text='{"street":"Cat Lane","number":1}',
        created_by=ended["createdBy"],
        due_at=ago(-60),
    )
    return {**plant(forked, task), "name": name}


@pytest.fixture(scope="session")
def thousand(forked: Connection, ended: Json) -> Json:
    """A fan-out with as many chunks as there can be."""
    by = {"created_by": ended["createdBy"], "name": "Twenty thousand parcels"}
    return plant_fan_out(forked, MAX_CHUNKS, task_type="parcel", **by)


@cache
def _found() -> Found:
    return find()


def _missing() -> NoBrowser | None:
    try:
        _found()
    except NoBrowser as missing:
        return missing
    return None
