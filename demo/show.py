"""Prints the results."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo.api import Json

ENDS = 5
"""States to show at each end of their list."""


def single_task(console: Console, task: Json) -> None:
    """Show the single task's almanac page."""
    page = task["attributes"]["result"]
    table = _table("", "from", "to")
    for title, key in (
        ("Sun above the horizon", "sun"),
        ("Civil twilight or brighter", "civil"),
        ("Nautical twilight or brighter", "nautical"),
        ("Astronomical twilight or brighter", "astronomical"),
    ):
        table.add_row(title, *_times(page[key]))
    _heading(console, f"Single task: almanac of {_place(page)} for {page['date']}, in UTC")
    console.print(table)
    console.print(f"  Daylight {_hours(page['daylightMinutes'])}, {page['growthSeconds']:+} s since the day before.")
    console.print(f"  Noon at {_clock(page['noon'])}, with the sun {page['noonElevation']} degrees high.")


def summary(console: Console, task: Json) -> None:
    """Show the fan-in's result: extreme places, and the states at both ends."""
    result = task["attributes"]["result"]
    table = _table("", "place", "daylight that day", "that year", right=(2, 3))
    for title, key in (
        ("Longest day", "longestDay"),
        ("Shortest day", "shortestDay"),
        ("Brightest year", "brightestYear"),
        ("Darkest year", "darkestYear"),
    ):
        place = result["extremes"][key]
        year = f"{place['year']['daylightHours']:,.0f} h"
        table.add_row(title, _place(place), _hours(place["daylightMinutes"]), year)
    _heading(console, f"Fan-in: summary of {result['places']:,} sub-tasks")
    console.print(table)
    console.print(f"  In that year {result['placesWithMidnightSun']} of these places see the midnight sun")
    console.print(f"  and {result['placesWithPolarNight']} have a polar night.")

    states = sorted(result["states"].items(), key=lambda state: -state[1]["averageMinutes"])
    table = _table("state or territory", "places", "average day", right=(1, 2))
    for n, (name, state) in enumerate(states):
        if not ENDS <= n < len(states) - ENDS:
            table.add_row(name, f"{state['places']:,}", _hours(state["averageMinutes"]), end_section=n == ENDS - 1)
    console.print(table)


def sub_tasks(console: Console, items: Iterable[Json]) -> None:
    """Show sub-tasks as the API lists them."""
    table = _table("index", "status", "attempt", "place", "daylight", right=(0, 2))
    for item in items:
        result = item["attributes"]["result"]
        daylight = _hours(result["daylightMinutes"])
        table.add_row(str(item["index"]), item["status"], str(item["attempt"]), _place(result), daylight)
    _heading(console, "The first sub-tasks")
    console.print(table)


def history(console: Console, tasks: Sequence[Json]) -> None:
    """Show the transitions of every task with their times."""
    table = _table("task", "status", "at", "after", right=(3,))
    for task in tasks:
        start = _instant(task["history"][0]["at"])
        for n, entry in enumerate(task["history"]):
            seconds = (_instant(entry["at"]) - start).total_seconds()
            table.add_row("" if n else escape(task["name"]), entry["status"], entry["at"], f"{seconds:.3f} s")
        table.add_section()
    _heading(console, "History")
    console.print(table)


def _heading(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def _table(*columns: str, right: Sequence[int] = ()) -> Table:
    table = Table(box=box.SIMPLE)
    for n, column in enumerate(columns):
        table.add_column(column, justify="right" if n in right else "left")
    return table


def _place(place: Json) -> str:
    return escape(f"{place['name']}, {place['state']} ({place['code']})")


def _times(span: dict[str, str] | None) -> tuple[str, str]:
    return (_clock(span["rise"]), _clock(span["set"])) if span else ("-", "-")


def _clock(time: str) -> str:
    return f"{_instant(time):%H:%M}"


def _instant(time: str) -> datetime:
    return datetime.fromisoformat(time)


def _hours(minutes: Any) -> str:
    return "{} h {:02} min".format(*divmod(round(minutes), 60))
