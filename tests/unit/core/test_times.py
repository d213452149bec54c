"""Times: one form, which sorts as time does."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.times import after, from_iso, from_milliseconds, to_iso, to_milliseconds

from tests.support.examples import AT, NOW

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=OFFSETS)  # noqa: DTZ001  # given a zone


def test_moment_is_written_in_utc_with_milliseconds():
    assert to_iso(NOW) == AT
    assert to_iso(datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T23:30:00.000Z"


def test_text_is_read_as_the_moment_in_utc():
    assert from_iso(AT) == NOW
    assert from_iso(AT).tzinfo is UTC


@given(MOMENTS)
def test_written_time_reads_back_without_what_is_below_a_millisecond(moment):
    read = from_iso(to_iso(moment))
    assert timedelta() <= moment - read < timedelta(milliseconds=1)
    assert to_iso(read) == to_iso(moment)


@given(MOMENTS, MOMENTS)
def test_texts_sort_as_their_moments(one, other):
    one, other = from_iso(to_iso(one)), from_iso(to_iso(other))
    assert (to_iso(one) < to_iso(other)) is (one < other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "2026-11-22T09:39:36Z",
        "2026-11-22T09:39:36.123456Z",
        "2026-11-22T09:39:36.123",
        "2026-11-22T09:39:36.123+00:00",
        "2026-11-22 09:39:36.123Z",
        "20261122T093936.123Z",
        "2026-13-22T09:39:36.123Z",
        "2026-02-30T09:39:36.123Z",
        "2026-11-22T09:39:36.123Z\n",
        "\u0662026-11-22T09:39:36.123Z",
    ],
)
def test_text_in_another_form_is_refused(text):
    with pytest.raises(ValueError, match=r"time|day|month|isoformat"):
        from_iso(text)


def test_after_adds_seconds():
    assert after(NOW, 90.5) - NOW == timedelta(seconds=90, milliseconds=500)
    assert after(NOW, -1) < NOW


def test_moment_is_counted_in_whole_milliseconds():
    assert to_milliseconds(datetime(1970, 1, 1, 0, 0, 1, 2999, tzinfo=UTC)) == 1002


@given(MOMENTS)
def test_counted_time_is_the_written_one(moment: datetime):
    assert to_iso(from_milliseconds(to_milliseconds(moment))) == to_iso(moment)
