"""Task type "daylight": when the sun rises and sets at a place, on one day and over the whole year.

`make demo` runs it. It shows all three handlers of a task type, and an input with a type. Each starts from one place,

    {"code": "ANC", "name": "Anchorage", "state": "AK", "latitude": 61.174, "longitude": -149.996, "date": "2026-06-21"}

The equations are those of NOAA's solar calculator (https://gml.noaa.gov/grad/solcalc/calcdetails.html), which follow
chapters 25 and 28 of Jean Meeus, "Astronomical Algorithms". Times are good to a minute up to 72° north and south.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import acos, asin, cos, degrees, radians, sin, tan
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le
from serverless_tasks import (
    Outcome,
    StepFunctionTaskEvent,
    TaskContext,
    TaskQueueEvent,
    TaskStatus,
    TaskType,
)

DAY = 1440  # minutes
ALTITUDES = {"sun": -0.833, "civil": -6.0, "nautical": -12.0, "astronomical": -18.0}  # sun: upper edge, refracted
J2000 = date(2000, 1, 1).toordinal() + 0.5  # noon

daylight = TaskType("daylight", timeout=120, chunk_size=100)  # a tenth of a second of work for each invocation


# ---------------------------------------------------------------- input


@dataclass(frozen=True)
class Place:
    """A point on the earth and the day it is looked at."""

    # For pydantic, which is imported when the first place comes.
    __pydantic_config__: ClassVar = {
        "use_attribute_docstrings": True,
        "json_schema_extra": {
            "examples": [
                {
                    "code": "ANC",
                    "name": "Anchorage",
                    "state": "AK",
                    "latitude": 61.174,
                    "longitude": -149.996,
                    "date": "2026-06-21",
                }
            ]
        },
    }

    code: str
    name: str
    state: str
    latitude: Annotated[float, Ge(-90), Le(90)]
    """Degrees north."""
    longitude: Annotated[float, Ge(-180), Le(180)]
    """Degrees east."""
    date: Annotated[date, Ge(date(1901, 1, 1)), Le(date(2099, 12, 31))]
    """From 1901 to 2099, for which the equations are good."""

    @property
    def day(self) -> int:
        """The date as a number of days."""
        return self.date.toordinal()

    def label(self) -> dict[str, str]:
        """What says in a result which place and day it is about."""
        return {"code": self.code, "name": self.name, "state": self.state, "date": self.date.isoformat()}

    def clock(self, minutes: float) -> str:
        """The time (UTC) so many minutes after 0:00 UTC of the date."""
        midnight = datetime.combine(self.date, time(), UTC)
        return f"{midnight + timedelta(minutes=round(minutes)):%Y-%m-%dT%H:%MZ}"


# ---------------------------------------------------------------- handlers


@daylight.sub_task
def measure(event: StepFunctionTaskEvent[Place], context: TaskContext) -> dict[str, Any]:
    """Daylight of one place: on its date, and over the year of that date."""
    place = event.input
    first, end = (date(year, 1, 1).toordinal() for year in (place.date.year, place.date.year + 1))
    lengths = [day_length(place, day) for day in range(first, end)]
    return {
        **place.label(),
        "daylightMinutes": round(day_length(place, place.day), 1),
        "sun": rise_and_set(place, ALTITUDES["sun"]),
        "year": {
            "daylightHours": round(sum(lengths) / 60, 1),
            "longestMinutes": round(max(lengths), 1),
            "shortestMinutes": round(min(lengths), 1),
            "midnightSunDays": lengths.count(DAY),
            "polarNightDays": lengths.count(0),
        },
    }


@daylight.finished
def summarize(event: StepFunctionTaskEvent, outcomes: Iterator[Outcome]) -> dict[str, Any]:
    """What the places have in common and which of them stand out, in one pass that keeps none of the outcomes."""
    ranks = {
        "longestDay": lambda place: (place["daylightMinutes"], place["year"]["midnightSunDays"]),
        "shortestDay": lambda place: (-place["daylightMinutes"], place["year"]["polarNightDays"]),
        "brightestYear": lambda place: place["year"]["daylightHours"],
        "darkestYear": lambda place: -place["year"]["daylightHours"],
    }
    extremes: dict[str, Any] = {}
    states: dict[str, tuple[int, float]] = {}
    failed = midnight_sun = polar_night = 0
    for outcome in outcomes:
        if outcome.status != TaskStatus.COMPLETED:
            failed += 1
            continue
        place = outcome.result
        extremes = {name: max(extremes.get(name, place), place, key=rank) for name, rank in ranks.items()}
        count, total = states.get(place["state"], (0, 0.0))
        states[place["state"]] = (count + 1, total + place["daylightMinutes"])
        midnight_sun += place["year"]["midnightSunDays"] > 0
        polar_night += place["year"]["polarNightDays"] > 0
    return {
        "places": sum(count for count, _ in states.values()),
        "failed": failed,
        "placesWithMidnightSun": midnight_sun,
        "placesWithPolarNight": polar_night,
        "extremes": extremes,
        "states": {
            state: {"places": count, "averageMinutes": round(total / count, 1)}
            for state, (count, total) in sorted(states.items())
        },
    }


@daylight.task
def almanac(event: TaskQueueEvent[Place], context: TaskContext) -> dict[str, Any]:
    """Almanac page of one place for one day: sun, noon, twilights, and how much longer the day is than the last one."""
    place = event.input
    minutes = day_length(place, place.day)
    noon = solar_noon(place, place.day)
    declination, _ = sun_at(place.day + noon / DAY)
    return {
        **place.label(),
        "daylightMinutes": round(minutes, 1),
        "growthSeconds": round(60 * (minutes - day_length(place, place.day - 1))),
        "noon": place.clock(noon),
        "noonElevation": round(90 - abs(place.latitude - degrees(declination)), 1),
        **{name: rise_and_set(place, altitude) for name, altitude in ALTITUDES.items()},
    }


# ---------------------------------------------------------------- the sun


def sun_at(moment: float) -> tuple[float, float]:
    """Declination of the sun (radians) and equation of time (minutes). `moment` is in days, as `date.toordinal`."""
    t = (moment - J2000) / 36525  # centuries
    mean_longitude = radians(280.46646 + t * (36000.76983 + t * 0.0003032))
    anomaly = radians(357.52911 + t * (35999.05029 - t * 0.0001537))
    node = radians(125.04 - 1934.136 * t)  # of the moon's orbit, for the nutation
    eccentricity = 0.016708634 - t * (0.000042037 + t * 0.0000001267)
    center = (
        sin(anomaly) * (1.914602 - t * (0.004817 + t * 0.000014))
        + sin(2 * anomaly) * (0.019993 - t * 0.000101)
        + sin(3 * anomaly) * 0.000289
    )
    longitude = mean_longitude + radians(center - 0.00569 - 0.00478 * sin(node))
    obliquity = radians(23.439291 - t * 0.0130042 + 0.00256 * cos(node))
    y = tan(obliquity / 2) ** 2
    equation_of_time = (
        y * sin(2 * mean_longitude)
        - 2 * eccentricity * sin(anomaly)
        + 4 * eccentricity * y * sin(anomaly) * cos(2 * mean_longitude)
        - y**2 / 2 * sin(4 * mean_longitude)
        - 5 / 4 * eccentricity**2 * sin(2 * anomaly)
    )
    return asin(sin(obliquity) * sin(longitude)), 4 * degrees(equation_of_time)


def solar_noon(place: Place, day: int) -> float:
    """When the sun is highest, in minutes after 0:00 UTC."""
    mean_noon = DAY / 2 - 4 * place.longitude
    return mean_noon - sun_at(day + mean_noon / DAY)[1]


def half_arc(place: Place, moment: float, altitude: float) -> float:
    """Minutes from the sun's crossing of an altitude to noon: half a day if it stays above, 0 if it stays below."""
    latitude, (declination, _) = radians(place.latitude), sun_at(moment)
    height = sin(radians(altitude)) - sin(latitude) * sin(declination)
    reach = cos(latitude) * cos(declination)
    return 4 * degrees(acos(max(-1.0, min(1.0, height / reach))))


def day_length(place: Place, day: int, altitude: float = ALTITUDES["sun"]) -> float:
    """Minutes that the sun is above an altitude on a day, from its position at noon."""
    return 2 * half_arc(place, day + solar_noon(place, day) / DAY, altitude)


def rise_and_set(place: Place, altitude: float) -> dict[str, str] | None:
    """When the sun crosses an altitude on the place's date; None if it stays above or below all day."""
    if not 0 < day_length(place, place.day, altitude) < DAY:
        return None
    noon = solar_noon(place, place.day)
    times = {"rise": noon, "set": noon}
    for _ in range(2):  # the second time with the sun's position at the crossing
        for name, sign in (("rise", -1), ("set", 1)):
            times[name] = noon + sign * half_arc(place, place.day + times[name] / DAY, altitude)
    return {name: place.clock(minutes) for name, minutes in times.items()}
