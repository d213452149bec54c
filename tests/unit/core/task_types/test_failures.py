"""Failed attempts: how long the next one waits, and how the exception is kept."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.inputs.json_text import from_json_text
from serverless_tasks.core.task_types.failures import (
    MAX_BACKOFF,
    MESSAGE_LIMIT,
    REASON_LIMIT,
    Backoff,
    describe,
    error_of,
    error_text,
    is_number,
    reason,
)

ATTEMPTS = st.integers(1, 1000)
FRACTIONS = st.floats(0, 1, exclude_max=True)


@st.composite
def backoffs(draw):
    base = draw(st.floats(0, MAX_BACKOFF))
    factor = draw(st.floats(1, 100) | st.integers(1, 100))
    return Backoff(base=base, factor=factor, cap=draw(st.floats(base, MAX_BACKOFF)))


def most(_=None):
    return 1.0


@given(backoffs(), ATTEMPTS, FRACTIONS)
def test_delay_is_a_share_of_the_longest_wait_and_within_the_cap(backoff, attempt, fraction):
    longest = backoff.delay(attempt, most)
    assert 0 <= longest <= backoff.cap
    assert backoff.delay(attempt, lambda: fraction) == pytest.approx(longest * fraction)


@given(backoffs(), st.integers(1, 999))
def test_wait_never_becomes_shorter_with_another_attempt(backoff, attempt):
    assert backoff.delay(attempt, most) <= backoff.delay(attempt + 1, most)


@given(st.floats(0.001, 300), st.floats(1, 100), ATTEMPTS)
def test_longest_wait_grows_by_the_factor_until_the_cap(base, factor, attempt):
    logarithm = math.log(base) + (attempt - 1) * math.log(factor)
    expected = 300 if logarithm > math.log(300) else base * factor ** (attempt - 1)
    assert Backoff(base=base, factor=factor, cap=300).delay(attempt, most) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (64, 300), (65, 300), (1000, 300)]
)
def test_default_doubles_from_2_seconds_to_5_minutes(attempt, seconds):
    assert Backoff().delay(attempt, most) == seconds
    assert Backoff().delay(attempt, lambda: 0.0) == 0


def test_slow_growth_reaches_its_cap_too():
    backoff = Backoff(base=1, factor=1.01, cap=MAX_BACKOFF)
    assert backoff.delay(101, most) == pytest.approx(1.01**100)
    assert backoff.delay(1000, most) == pytest.approx(1.01**999)


def test_no_base_means_no_wait():
    assert Backoff(base=0, factor=100).delay(1000, most) == 0


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"base": -0.1}, "backoff.base"),
        ({"base": MAX_BACKOFF + 1, "cap": MAX_BACKOFF + 1}, "backoff.base"),
        ({"base": math.nan}, "backoff.base"),
        ({"base": "2"}, "backoff.base"),
        ({"base": True}, "backoff.base"),
        ({"base": None}, "backoff.base"),
        ({"factor": 0.99}, "backoff.factor"),
        ({"factor": 100.1}, "backoff.factor"),
        ({"factor": math.inf}, "backoff.factor"),
        ({"factor": "2"}, "backoff.factor"),
        ({"cap": 1.9}, "backoff.cap"),
        ({"cap": MAX_BACKOFF + 1}, "backoff.cap"),
        ({"cap": math.nan}, "backoff.cap"),
        ({"cap": [300]}, "backoff.cap"),
    ],
)
def test_impossible_backoff_is_refused_naming_the_field(policy, field):
    with pytest.raises(InvalidInput) as caught:
        Backoff(**policy)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "policy",
    [
        {"base": 0, "cap": 0},
        {"base": 300},
        {"base": MAX_BACKOFF, "cap": MAX_BACKOFF},
        {"factor": 1},
        {"factor": 100},
        {"base": 0.5, "factor": 1.5, "cap": 21_600},
    ],
)
def test_backoff_at_the_limits_is_accepted(policy):
    assert Backoff(**policy).delay(1, most) == policy.get("base", 2.0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, True), (2.0, True), (1.5, True), (0.9, False), (2.1, False), (True, False), ("1", False), (None, False)],
)
def test_number_is_an_int_or_float_within_its_limits(value, expected):
    assert is_number(value, 1, 2) is expected


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


def test_a_group_names_its_causes():
    refused, none = ConnectionError("host db-3 refused"), ValueError("no food")
    group = ExceptionGroup("unhandled errors in a TaskGroup", [refused])
    kept = "unhandled errors in a TaskGroup (1 sub-exception): ConnectionError: host db-3 refused"
    assert describe(group) == {"type": "ExceptionGroup", "message": kept}
    assert describe(ExceptionGroup("both", [group, none]))["message"] == (
        "both (2 sub-exceptions): ConnectionError: host db-3 refused; ValueError: no food"
    )
    assert describe(ExceptionGroup("all", [none] * 7))["message"] == (
        f"all (7 sub-exceptions): {'ValueError: no food; ' * 5}and 2 more"
    )
    assert describe(ExceptionGroup("all", [Unreadable()]))["message"] == "(its text could not be read)"


def test_what_is_no_utf8_is_replaced():
    assert describe(ValueError("a\ud800b\u732b"))["message"] == "a?b\u732b"


def test_long_message_and_long_type_are_cut():
    kept = describe(type("T" * 300, (Exception,), {})("m" * 3000))
    assert kept == {"type": "T" * 200, "message": "m" * 1000}
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
    kept = describe(ValueError(message))
    assert from_json_text(error_text(kept)) == kept
    error_text(kept).encode()
    reason(kept).encode()
    assert len(reason(kept).splitlines()) == 1
    assert len(json.dumps(kept)) < 20_000


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
