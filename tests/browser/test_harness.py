"""The browser of these tests is a real one, and each test's own."""

import pytest

PAGE = "data:text/html,<html lang=en><meta name=viewport content=width=device-width><title>A page</title><body>"


@pytest.mark.parametrize("visit", [1, 2])
def test_a_tab_knows_nothing_of_the_one_before(browser, visit):
    browser.get(PAGE)
    assert browser.title == "A page"
    assert len(browser.window_handles) == 1
    assert browser.execute_script("return window.name") == ""
    browser.execute_script("window.name = 'visited'")


def test_looks_as_the_test_asks(browser):
    asks = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]"
    browser.get(PAGE)
    assert browser.execute_script(asks) == [1280, False]
    browser.looks((375, 812), dark=True)
    assert browser.execute_script(asks) == [375, True]


def test_complaints_are_heard(browser):
    browser.get(PAGE + "<script>console.error('no fish'); console.log('fish')</script>")
    [complaint] = browser.complaints()
    assert "no fish" in complaint
    assert browser.complaints() == []


def test_a_module_says_what_it_found_or_why_not(browser):
    browser.get(PAGE)
    assert browser.module("return [await Promise.resolve(args[0]), args.length]", 7) == [7, 1]
    with pytest.raises(AssertionError, match="no such thing"):
        browser.module("throw new Error('no such thing')")
