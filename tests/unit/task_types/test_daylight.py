"""The demonstration's task type against published times of the sun, and its summary against results made by hand."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from math import degrees
from types import SimpleNamespace
from typing import Any

import pytest
from serverless_tasks import PermanentError, TaskStatus
from serverless_tasks.workers.user_code.routing import adapter, input_types, made
from task_types.daylight import (
    ALTITUDES,
    DAY,
    Place,
    almanac,
    day_length,
    daylight,
    measure,
    rise_and_set,
    summarize,
    sun_at,
)

UTQIAGVIK = (71.29, -156.77)
AMUNDSEN_SCOTT = (-90.0, 0.0)


def place(latitude: Any, longitude: Any, day: Any) -> dict[str, Any]:
    """Input of a task: somewhere on earth."""
    return {"code": "XYZ", "name": "Here", "state": "ZZ", "latitude": latitude, "longitude": longitude, "date": day}


def call(handler: Any, data: Any) -> dict[str, Any]:
    """The handler's answer to an input; it looks at nothing else of event and context."""
    return handler(SimpleNamespace(input=made(Place, data)), SimpleNamespace())


def minutes_between(published: str, computed: str, utc_offset: int) -> float:
    """How far a computed time (UTC) is from a published one (of a clock so many hours from UTC)."""
    local = datetime.fromisoformat(published) - timedelta(hours=utc_offset)
    return abs((datetime.fromisoformat(computed.removesuffix("Z")) - local).total_seconds()) / 60


def test_position_of_the_sun_is_that_of_the_book() -> None:
    # Meeus, "Astronomical Algorithms", 2nd edition, examples 25.a and 28.b: 1992 October 13, 0h.
    declination, equation_of_time = sun_at(date(1992, 10, 13).toordinal())
    assert degrees(declination) == pytest.approx(-7.78507, abs=0.0005)
    assert equation_of_time == pytest.approx(13 + 42.7 / 60, abs=0.02)


@pytest.mark.parametrize(
    ("latitude", "longitude", "civil_dawn", "sunrise", "noon", "sunset", "civil_dusk"),
    [
        (38.9, -74.9, "05:37", "06:04", "12:07", "18:12", "18:39"),  # Cape May
        (38.9, -77.0, "05:45", "06:12", "12:16", "18:21", "18:47"),  # Washington
    ],
)
def test_almanac_agrees_with_the_naval_observatory(
    latitude: float, longitude: float, civil_dawn: str, sunrise: str, noon: str, sunset: str, civil_dusk: str
) -> None:
    # U.S. Naval Observatory, sun data of 20 March 2002, as quoted at http://stevekluge.com/astronomy/equinoxsunrise.html
    page = call(almanac, place(latitude, longitude, "2002-03-20"))
    computed = (page["civil"]["rise"], page["sun"]["rise"], page["noon"], page["sun"]["set"], page["civil"]["set"])
    for expected, actual in zip((civil_dawn, sunrise, noon, sunset, civil_dusk), computed, strict=True):
        assert minutes_between(f"2002-03-20T{expected}", actual, utc_offset=-5) <= 1


def test_year_agrees_with_the_naval_observatory() -> None:
    # USNO, "Duration of Daylight" for San Francisco in 2007: 14 h 47 min from 18 June, 9 h 33 min from 18 December.
    year = call(measure, place(37.77, -122.42, "2007-06-21"))["year"]
    assert year["longestMinutes"] == pytest.approx(14 * 60 + 47, abs=1)
    assert year["shortestMinutes"] == pytest.approx(9 * 60 + 33, abs=1)


@pytest.mark.parametrize(
    ("day", "minutes"),
    # The Washington Post, 17 November 2024: the sun sets on 18 November and is back on 22 January, for 48 minutes.
    [("2024-11-19", 0), ("2025-01-21", 0), ("2025-01-22", 48)],
)
def test_polar_night_of_utqiagvik(day: str, minutes: int) -> None:
    result = call(measure, place(*UTQIAGVIK, day))
    assert result["daylightMinutes"] == pytest.approx(minutes, abs=5 if minutes else 0)
    assert (result["sun"] is None) == (minutes == 0)


def test_year_of_utqiagvik() -> None:
    # AccuWeather on 2024: the last sunset was on 10 May, the next on 2 August at 2:16; 64 days of polar night.
    # A day of midnight sun has no sunset from one lowest point of the sun (about 2:30 by the clock there) to the next.
    year = call(measure, place(*UTQIAGVIK, "2024-06-21"))["year"]
    assert year["midnightSunDays"] == pytest.approx((date(2024, 8, 1) - date(2024, 5, 11)).days, abs=1)
    assert year["polarNightDays"] == pytest.approx(64, abs=1)
    assert (year["longestMinutes"], year["shortestMinutes"]) == (DAY, 0)


def test_poles_have_half_a_year_of_each() -> None:
    year = call(measure, place(*AMUNDSEN_SCOTT, "2026-01-01"))["year"]
    assert year["midnightSunDays"] + year["polarNightDays"] == 365
    assert year["midnightSunDays"] == pytest.approx(183, abs=5)


def test_equator_has_twelve_hours_all_year() -> None:
    year = call(measure, place(0, 0, "2026-01-01"))["year"]
    assert year["longestMinutes"] == pytest.approx(727, abs=1)  # 12 hours, refraction and the sun's own size
    assert year["shortestMinutes"] == pytest.approx(727, abs=1)


@pytest.mark.parametrize("longitude", [-180, -157.9, -74, 0, 144.8, 180])
def test_times_belong_to_the_date_at_the_place(longitude: float) -> None:
    day = made(Place, place(21.3, longitude, "2026-03-20"))
    times = rise_and_set(day, ALTITUDES["sun"])
    assert times is not None
    local = {name: datetime.fromisoformat(time[:-1]) + timedelta(hours=longitude / 15) for name, time in times.items()}
    assert (local["rise"].date(), local["rise"].hour) == (day.date, 6)
    assert (local["set"].date(), local["set"].hour) == (day.date, 18)
    span = datetime.fromisoformat(times["set"][:-1]) - datetime.fromisoformat(times["rise"][:-1])
    assert span / timedelta(minutes=1) == pytest.approx(day_length(day, day.day), abs=1.5)


@pytest.mark.parametrize("missing", ["code", "name", "state", "latitude", "longitude", "date"])
def test_missing_field_is_named(missing: str) -> None:
    data = place(0, 0, "2026-01-01")
    del data[missing]
    with pytest.raises(PermanentError, match=missing):
        call(measure, data)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "XYZ",
        place(90.1, 0, "2026-01-01"),
        place(0, -180.1, "2026-01-01"),
        place("nan", 0, "2026-01-01"),
        place(0, "inf", "2026-01-01"),
        place(0, 0, "2026-02-29"),
        place(0, 0, "1900-12-31"),
        place(0, 0, "2100-01-01"),
        place("north", 0, "2026-01-01"),
        place(0, 0, 20260101),
    ],
)
@pytest.mark.parametrize("handler", [measure, almanac])
def test_malformed_place_is_not_tried_again(handler: Any, data: Any) -> None:
    with pytest.raises(PermanentError):
        call(handler, data)


def result(code: str, state: str, minutes: float, hours: float, midnight_sun: int = 0, polar_night: int = 0) -> Any:
    """A completed sub-task."""
    year = {"daylightHours": hours, "midnightSunDays": midnight_sun, "polarNightDays": polar_night}
    answer = {"code": code, "state": state, "daylightMinutes": minutes, "year": year}
    return SimpleNamespace(status=TaskStatus.COMPLETED, result=answer)


def test_both_kinds_take_a_place_and_describe_it() -> None:
    assert set(input_types(daylight).values()) == {Place}
    schema = adapter(Place).json_schema()
    assert schema["required"] == list(schema["properties"])
    assert schema["properties"]["latitude"] == {
        "type": "number",
        "title": "Latitude",
        "description": "Degrees north.",
        "minimum": -90,
        "maximum": 90,
    }
    assert made(Place, schema["examples"][0]).name == "Anchorage"


def test_summary_of_some_places() -> None:
    def outcomes() -> Iterator[Any]:
        yield result("NORTH", "AK", 1440.0, 4586, midnight_sun=82, polar_night=64)
        yield result("CIRCLE", "AK", 1440.0, 4649, midnight_sun=31)
        yield SimpleNamespace(status=TaskStatus.FAILED, result=None)
        yield result("SOUTH", "AS", 677.0, 4419)

    summary = summarize(SimpleNamespace(), outcomes())

    assert {name: found["code"] for name, found in summary.pop("extremes").items()} == {
        "longestDay": "NORTH",
        "shortestDay": "SOUTH",
        "brightestYear": "CIRCLE",
        "darkestYear": "SOUTH",
    }
    assert summary == {
        "places": 3,
        "failed": 1,
        "placesWithMidnightSun": 2,
        "placesWithPolarNight": 1,
        "states": {"AK": {"places": 2, "averageMinutes": 1440.0}, "AS": {"places": 1, "averageMinutes": 677.0}},
    }


def test_summary_of_nothing() -> None:
    assert summarize(SimpleNamespace(), iter(()))["extremes"] == {}
