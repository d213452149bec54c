"""Pictures of the console. `make screenshots` puts them into docs/images; any other run looks whether they can be."""

import pytest
from selenium.webdriver.common.by import By

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
def pictures(console, request):
    """``pictures(name, look, …)`` takes a picture of the page, or of a part of it, in each look."""
    folder = IMAGES if request.config.getoption("--screenshots") else None

    def take(name, *looks, part=None):
        for look in looks:
            size, dark = LOOKS[look]
            console.browser.looks(size, dark=dark)
            console.browser.module(DRAWN)
            picture = taken(console.browser, part)
            assert len(picture) > BLANK, name
            if folder is not None:
                assert len(picture) < MOST_BYTES, name
                (folder / f"console-{name}-{look}.png").write_bytes(picture)

    return take


def taken(browser, part):
    if part is None:
        return browser.get_screenshot_as_png()
    return browser.find_element(By.CSS_SELECTOR, part).screenshot_as_png


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
    pictures("chunks", "light", part="section[aria-labelledby=strip-title]")


def test_the_form(console, pictures):
    console.open("#/new")
    console.choose("Task type", "parcel")
    console.until(lambda: "Street" in console.text(), "its fields are there")
    pictures("form", "light", "phone")
