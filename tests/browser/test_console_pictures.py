"""Pictures of the console. `make screenshots` puts them into docs/images; any other run looks whether they can be."""

import pytest

from local.paths import ROOT
from tests.support.browser import DESKTOP, PHONE
from tests.support.driver import Driver

IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 150_000
BLANK = 8_000
"""Bytes: a page without anything on it has less."""
LOOKS = {"light": (DESKTOP, False), "dark": (DESKTOP, True), "phone": (PHONE, False), "phone-dark": (PHONE, True)}


@pytest.fixture(scope="session")
def busy(forked, ended, thousand):
    """A list with something to see: tasks of both kinds, ended in every way, and one that runs."""
    tasks = Driver(forked)
    tasks.run("cat", {"key": "fish"}, name="Breakfast")
    tasks.run("parcel", {"street": "Nowhere Street", "number": 1, "lost": True}, name="Express parcel")
    tasks.cancel(tasks.create("parcel", {"street": "Cat Lane", "number": 1, "seconds": 1}, name="Parcel sent twice"))
    running = tasks.fan_out(
        "parcel", [{"street": "Long Road", "number": 1, "seconds": 0.5}] * 400, name="Christmas parcels"
    )
    tasks.until(lambda: tasks.look(running)["attributes"].get("progress"), "some have arrived")
    return running


@pytest.fixture
def pictures(console, tmp_path, request):
    """``pictures(name, look, …)`` takes a picture of the page in each look."""
    folder = IMAGES if request.config.getoption("--screenshots") else tmp_path
    folder.mkdir(exist_ok=True)

    def take(name, *looks):
        for look in looks:
            size, dark = LOOKS[look]
            console.browser.looks(size, dark=dark)
            console.browser.module(DRAWN)
            file = folder / f"console-{name}-{look}.png"
            assert console.browser.save_screenshot(str(file))
            size_of_file = file.stat().st_size
            assert size_of_file > BLANK, file.name
            assert folder != IMAGES or size_of_file < MOST_BYTES, file.name

    return take


DRAWN = "await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


def test_the_list(console, busy, pictures):
    console.open()
    console.until(lambda: console.all("task-row", code=busy["code"]), "the list is there")
    pictures("list", "light", "dark", "phone")


def test_a_task(console, ended, pictures):
    console.open_task(ended)
    console.until(lambda: console.all("sub-task-row"), "sub-tasks are there")
    pictures("task", "light", "dark", "phone-dark")


def test_a_thousand_chunks(console, thousand, pictures):
    console.open_task(thousand)
    console.until(lambda: "1,000 chunks" in console.text(), "the strip is there")
    pictures("chunks", "light")


def test_the_form(console, pictures):
    console.open("#/new")
    console.choose("Task type", "parcel")
    console.until(lambda: "Street" in console.text(), "its fields are there")
    pictures("form", "light", "phone")
