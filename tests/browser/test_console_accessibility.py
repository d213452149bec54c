"""The console for every user: by rules that a program can check, and by keyboard alone."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.support.accessibility import issues
from tests.support.browser import DESKTOP, PHONE

LOOKS = [(DESKTOP, False), (DESKTOP, True), (PHONE, False), (PHONE, True)]
TABS = 60
"""More stops than any page has before what a test looks for."""


def everywhere(console):
    """The serious issues of the page as it is, on a desk and on a phone, light and dark; and whether it is too wide."""
    found = []
    for size, dark in LOOKS:
        console.browser.looks(size, dark=dark)
        look = f"{size[0]} px, {'dark' if dark else 'light'}"
        found += [f"{look}: {issue}" for issue in issues(console.browser)]
        if console.browser.execute_script("return document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{look}: the page scrolls sideways")
    return found


def test_signing_in_is_accessible(stranger):
    stranger.open()
    stranger.until(lambda: stranger.field("Password"), "the form is there")
    assert everywhere(stranger) == []


def test_the_list_is_accessible(console, ended):
    console.until(lambda: console.all("task-row", code=ended["code"]), "the list is there")
    assert everywhere(console) == []


@pytest.mark.parametrize("route", ["#/nowhere", "#/tasks/cat/01KAFSV4XG4DXWKE1B8G6F0J2T"])
def test_a_page_that_is_none_is_accessible(console, route):
    console.open(route)
    console.until(lambda: console.heading().startswith("No such"), "it says so")
    assert everywhere(console) == []


def test_the_page_of_a_fan_out_is_accessible(console, ended):
    console.open_task(ended)
    console.until(lambda: console.all("sub-task-row"), "sub-tasks are there")
    assert everywhere(console) == []


def test_the_page_of_a_single_task_and_a_question_are_accessible(console, waiting):
    console.open_task(waiting)
    assert everywhere(console) == []
    console.one("cancel").click()
    console.asked()
    assert everywhere(console) == []


@pytest.mark.parametrize("kind", ["Task", "Fan-out"])
def test_the_form_is_accessible_with_what_is_wrong_in_it(console, kind):
    console.open("#/new")
    console.choose("Task type", "parcel")
    console.radio(kind).click()
    console.until(
        lambda: console.browser.find_elements("xpath", "//label[contains(., 'Street')]"), "its fields are there"
    )
    console.one("create").click()
    console.until(lambda: "is missing" in console.text(), "it says what is missing")
    assert everywhere(console) == []


class Keyboard:
    """A user without a mouse, who sees where the focus is."""

    def __init__(self, console):
        self.console = console
        self.browser = console.browser

    def press(self, *keys):
        ActionChains(self.browser).send_keys(*keys).perform()

    def go_to(self, name):
        """Press Tab until the focus is on what has this name."""
        passed = []
        for _ in range(TABS):
            focused = self.browser.switch_to.active_element
            passed.append(focused.accessible_name)
            if passed[-1].startswith(name):
                assert self.is_seen(), f"nobody sees that {name!r} has the focus"
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{name!r} is not reached by Tab; only {passed}")

    def is_seen(self):
        return self.browser.execute_script(
            """
            const here = document.activeElement;
            const marks = [getComputedStyle(here), getComputedStyle(here, "::after")];
            return marks.some((mark) => mark.outlineStyle !== "none" && parseFloat(mark.outlineWidth) >= 2);
            """
        )


def test_from_signing_in_to_a_cancelled_task_by_keyboard_alone(stranger, waiting):
    console, keyboard = stranger, Keyboard(stranger)
    alice = console.users["alice"]
    console.open()
    console.until(lambda: console.field("Password"), "the form is there")
    keyboard.go_to("User name")
    keyboard.press(alice["username"], Keys.TAB, alice["password"], Keys.ENTER)
    console.until(lambda: console.all("task-row", code=waiting["code"]), "the list is there")

    keyboard.go_to(waiting["name"])
    keyboard.press(Keys.ENTER)
    console.until(lambda: console.heading() == waiting["name"], "its page is there")
    assert console.browser.switch_to.active_element.text == waiting["name"]

    keyboard.go_to("Cancel")
    keyboard.press(Keys.ENTER)
    console.asked()
    keyboard.press(Keys.ESCAPE)
    console.until(lambda: not console.all("confirm"), "Escape takes the question away")
    keyboard.go_to("Cancel")
    keyboard.press(Keys.ENTER)
    console.asked()
    keyboard.go_to("Cancel the task")
    keyboard.press(Keys.ENTER)
    console.until_status("CANCELLED")


def test_the_focus_comes_back_from_a_question(console, waiting):
    keyboard = Keyboard(console)
    console.open_task(waiting)
    for answer in (Keys.ESCAPE, Keys.ENTER):  # Enter presses what has the focus first: "Keep it"
        keyboard.go_to("Cancel")
        keyboard.press(Keys.ENTER)
        console.asked()
        keyboard.press(answer)
        console.until(lambda: not console.all("confirm"), "the question is gone")
        assert keyboard.browser.switch_to.active_element.accessible_name == "Cancel"
    console.one("cancel").click()
    console.asked().click()
    console.until_status("CANCELLED")
    console.until(lambda: keyboard.browser.switch_to.active_element.text == waiting["name"], "the page has the focus")
