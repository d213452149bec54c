"""Every function dies, once, before and after every call that it makes, or the call is refused: all ends well.

The points are found by playing each flow without a crash, so that a new call is covered without a new test.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import pytest
from serverless_tasks.core.task_types import task_type
from serverless_tasks.service import creation

from tests.support.crashes import KINDS, Crash, CrashStack, Point, World
from tests.support.moto_stack import MotoStack
from tests.support.numbered import Numbered
from tests.support.scenarios import FLOWS, SWEPT
from tests.support.watched import WatchedStack

pytestmark = pytest.mark.usefixtures("event_loops")
PLAYED = {
    "memory": (tuple(FLOWS), KINDS),
    "moto": (
        ("a_task_with_large_payloads", "a_fan_out_with_large_payloads", "several_tasks_at_once"),
        ("killed before", "killed after"),
    ),
}
"""All flows in memory, which takes milliseconds; with the real clients those that make every kind of call."""


@contextmanager
def opened(where: str) -> Iterator[Any]:
    """The stack. By its code a task is in one of the sweeper's shards: other codes would be other points."""
    with (
        patch.object(creation, "ULID", Numbered()),
        MotoStack(FastLane="false") if where == "moto" else nullcontext(WatchedStack(event_bus_name="tasks")) as stack,
    ):
        yield stack


def points(where: str, flow: str) -> Iterator[Point]:
    """Every call of the flow as it goes when nothing crashes."""
    with patch.dict(task_type._registry, clear=True), opened(where) as stack:
        FLOWS[flow](World(stack))
        seen: Counter[str] = Counter()
        for call in stack.calls.made:
            seen[call.function] += 1
            yield Point(call.function, seen[call.function], call.operation)


def cases() -> Iterator[Any]:
    for where, (flows, kinds) in PLAYED.items():
        for flow in flows:
            for point in points(where, flow):
                for kind in kinds:
                    name = f"{where}-{flow}-{point}-{kind}"
                    yield pytest.param(where, flow, point, kind, id=name, marks=_marks(where, flow))


def _marks(where: str, flow: str) -> tuple[Any, ...]:
    """A second for each of a hundred points: at night. In memory the flow is played each time."""
    return (pytest.mark.slow,) if (where, flow) == ("moto", "several_tasks_at_once") else ()


@pytest.mark.parametrize(("where", "flow", "point", "kind"), list(cases()))
def test_a_crash_changes_nothing_in_the_end(where: str, flow: str, point: Point, kind: str) -> None:
    with opened(where) as stack:
        # GIVEN a function that will die at this call
        crash = Crash(point, kind)
        crash.arm(stack.calls)

        # WHEN the flow is played, THEN it ends as it does without: the flow checks how
        world = World(stack)
        FLOWS[flow](world)
        assert crash.hit is not None

        # AND only what is lost for good needs the sweeper
        assert flow in SWEPT or not world.swept


def test_the_stacks_can_be_watched() -> None:
    for where in ("memory", "moto"):
        with opened(where) as stack:
            watched: CrashStack = stack
            assert watched.idle_seconds() is None
