"""Every reachable state of two models of the real transition code, whose bounds their modules say.

Nothing of the rules is copied: a step builds its write with the real functions, a write is applied by the real clauses.
A number of states that changes says that the protocol changed: look at why, and write the new one down.
"""

from __future__ import annotations

import pytest
from serverless_tasks.core.task.status import FACTS

from tests.model import fan_out, single_task
from tests.model.explorer import Graph
from tests.model.snapshots import TASKS

pytestmark = pytest.mark.no_cover  # tracing every step doubles the time and covers what unit tests cover

TROUBLE = frozenset({"cancel", "retry", "requeue", "crash", "lose", "stop"})
"""Steps that nobody may need for a task to end."""


@pytest.fixture(scope="module")
def single() -> Graph[single_task.State]:
    return Graph.explore(single_task.start(), single_task.successors, single_task.check)


@pytest.fixture(scope="module")
def in_lanes() -> Graph[fan_out.State]:
    return Graph.explore(fan_out.start(fan_out.IN_LANES), fan_out.successors, fan_out.check)


@pytest.fixture(scope="module")
def fanned_out() -> Graph[fan_out.State]:
    return Graph.explore(fan_out.start(), fan_out.successors, fan_out.check)


def test_the_states_of_a_single_task(single: Graph[single_task.State]) -> None:
    # WHEN every invariant holds in every state and for every write (or exploring had raised Violation)
    # THEN these were all states there are
    assert len(single) == 106_189


def test_the_states_of_a_step_functions_task(fanned_out: Graph[fan_out.State]) -> None:
    assert len(fanned_out) == 377_724


def test_the_states_of_a_task_that_begins_in_lanes(in_lanes: Graph[fan_out.State]) -> None:
    assert len(in_lanes) == 119_297
    assert {"hand", "crash", "end"} <= in_lanes.names()


@pytest.mark.slow
def test_lanes_with_other_trouble() -> None:
    graph = Graph.explore(fan_out.start(fan_out.IN_LANES._replace(troubles=1)), fan_out.successors, fan_out.check)

    assert len(graph) == 908_635
    assert not graph.cannot_reach(fan_out.ended, without=TROUBLE)


def test_a_single_task_can_end_wherever_it_is(single: Graph[single_task.State]) -> None:
    stuck = single.cannot_reach(single_task.ended, without=TROUBLE)

    assert not stuck, single.way_to(stuck[0])


def test_a_step_functions_task_can_end_wherever_it_is(fanned_out: Graph[fan_out.State]) -> None:
    stuck = fanned_out.cannot_reach(fan_out.ended, without=TROUBLE)

    assert not stuck, fanned_out.way_to(stuck[0])


def test_a_task_that_begins_in_lanes_can_end_wherever_it_is(in_lanes: Graph[fan_out.State]) -> None:
    stuck = in_lanes.cannot_reach(fan_out.ended, without=TROUBLE)

    assert not stuck, in_lanes.way_to(stuck[0])


def test_every_allowed_transition_happens_somewhere(
    single: Graph[single_task.State], fanned_out: Graph[fan_out.State]
) -> None:
    pairs = {
        (before.task, after.task)
        for g in (single, fanned_out)
        for before, steps in g.steps.items()
        for _, after in steps
    }
    tasks = [(TASKS[before], TASKS[after]) for before, after in pairs]
    happened = {
        (before.status, after.status)
        for before, after in tasks
        if (before.status, before.attempt, before.run) != (after.status, after.attempt, after.run)
    }

    assert happened == {(old, new) for old, known in FACTS.items() for new in known.leads_to}
