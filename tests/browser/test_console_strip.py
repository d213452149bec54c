"""The picture of when each chunk ran stays readable with as many chunks as there can be."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS

from tests.support.browser import DESKTOP, PHONE

BARS = """
return [...document.querySelectorAll('[data-testid=chunk-strip] rect.bar')].map((bar) => {
  const { x, y, width, height } = bar.getBBox();
  return [x, y, width, height];
});
"""
LEAST = 2
"""Pixels that a bar needs to be seen."""


@pytest.fixture
def strip(console, thousand):
    console.open_task(thousand)
    console.until(lambda: len(bars(console)) == MAX_CHUNKS, "all chunks are drawn")
    return console


def bars(console):
    return console.browser.execute_script(BARS)


def test_a_thousand_chunks_are_bars_that_can_be_told_apart(strip):
    for size in (DESKTOP, PHONE):
        strip.browser.looks(size)
        look_at_bars(strip)


def look_at_bars(strip):
    frame = "return document.querySelector('[data-testid=chunk-strip]').clientWidth"
    drawn = strip.until(lambda: within(bars(strip), strip.browser.execute_script(frame)), "it is drawn for this width")
    assert min(width for _, _, width, _ in drawn) >= LEAST
    assert min(height for *_, height in drawn) >= LEAST
    lanes = {}
    for x, y, width, _ in sorted(drawn):
        before = lanes.get(y, x)
        assert x >= before - LEAST, "two bars of a lane overlap"
        lanes[y] = x + width
    assert 20 <= len(lanes) <= 40


def within(drawn, width):
    return drawn if len(drawn) == MAX_CHUNKS and max(x + w for x, _, w, _ in drawn) <= width + 1 else None


def test_the_keyboard_goes_through_them_and_hears_what_they_are(strip):
    slider = strip.one("chunk-strip")
    assert (slider.aria_role, slider.get_attribute("aria-valuemax")) == ("slider", str(MAX_CHUNKS - 1))
    slider.send_keys(Keys.HOME)
    first = strip.until(lambda: slider.get_attribute("aria-valuetext"), "it says what it is")
    assert first.startswith("Chunk 0: ")
    assert "19 succeeded, 1 failed" in first
    slider.send_keys(Keys.END)
    strip.until(lambda: slider.get_attribute("aria-valuenow") == str(MAX_CHUNKS - 1), "the last one")
    slider.send_keys(Keys.ARROW_LEFT)
    strip.until(lambda: slider.get_attribute("aria-valuenow") == str(MAX_CHUNKS - 2), "the one before")


def test_there_is_a_table_of_them_too(strip):
    strip.button("As a table").click()
    rows = "[data-testid=chunk-strip] ~ details tbody tr"
    found = strip.until(lambda: strip.browser.find_elements(By.CSS_SELECTOR, rows), "the table is there")
    assert found[0].text.split()[:2] == ["0", "0\N{EN DASH}19"]
    assert strip.complaints() == []
