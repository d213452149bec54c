"""How exceptions are kept: short, storable, on one line in the history, whatever they are."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.inputs.json_text import from_json_text
from serverless_tasks.core.task_types.failures import (
    MESSAGE_LIMIT,
    REASON_LIMIT,
    describe,
    error_of,
    error_text,
    reason,
)


class Unreadable(Exception):
    def __str__(self):
        raise RuntimeError("no")


class NotEvenText(Exception):
    def __str__(self):
        return 5


class Endless(Exception):
    def __str__(self):
        return str(self)


def test_type_and_message_are_kept():
    assert describe(ValueError("no food")) == {"type": "ValueError", "message": "no food"}
    assert describe(KeyError("bowl")) == {"type": "KeyError", "message": "'bowl'"}
    assert describe(SystemExit(3)) == {"type": "SystemExit", "message": "3"}
    assert describe(Exception()) == {"type": "Exception", "message": ""}


@pytest.mark.parametrize("error", [Unreadable(), NotEvenText(), Endless()])
def test_exception_without_readable_text_is_kept_all_the_same(error):
    assert describe(error) == {"type": type(error).__name__, "message": "(its text could not be read)"}


def test_what_is_no_utf8_is_replaced():
    assert describe(ValueError("a\ud800b\u732b"))["message"] == "a?b\u732b"


def test_long_message_and_long_type_are_cut():
    told = describe(type("T" * 300, (Exception,), {})("m" * 3000))
    assert told == {"type": "T" * 200, "message": "m" * 1000}
    assert (MESSAGE_LIMIT, REASON_LIMIT) == (1000, 200)


def test_error_text_is_json():
    assert error_text({"type": "A", "message": "\u732b"}) == '{"type":"A","message":"\u732b"}'


def test_reason_is_type_and_message():
    assert reason({"type": "ValueError", "message": "no food"}) == "ValueError: no food"


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\t", "\x0b", "\x85", "\u2028", "  "])
def test_reason_stands_on_one_line(separator):
    assert reason({"type": "A", "message": f"{separator}b{separator}c{separator}"}) == "A: b c"


def test_reason_is_cut():
    assert reason({"type": "A", "message": "b" * 300}) == "A: " + "b" * 197


@given(st.text(st.characters()) | st.sampled_from(["\udc80", "\x00", "\u2028"]))
def test_every_message_can_be_stored(message):
    told = describe(ValueError(message))
    assert from_json_text(error_text(told)) == told
    error_text(told).encode()
    reason(told).encode()
    assert len(reason(told).splitlines()) == 1
    assert len(json.dumps(told)) < 20_000


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {"type": "Error", "message": ""}),
        ("", {"type": "Error", "message": ""}),
        ("no food", {"type": "Error", "message": "no food"}),
        (5, {"type": "Error", "message": "5"}),
        ({}, {"type": "Error", "message": ""}),
        ({"type": "A", "message": 5, "more": 1}, {"type": "A", "message": "5"}),
        ({"type": "T" * 300, "message": "m" * 3000}, {"type": "T" * 200, "message": "m" * 1000}),
        ("m" * 3000, {"type": "Error", "message": "m" * 1000}),
    ],
)
def test_error_that_user_code_gives_is_kept_like_an_exception(given, expected):
    assert error_of(given) == expected
