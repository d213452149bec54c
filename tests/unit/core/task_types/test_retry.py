"""Backoff: exponential, full jitter, never above its cap."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task_types.retry import MAX_BACKOFF, Backoff, is_number

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
