"""The stack in memory is what forks test with: each scenario ends there exactly as with the real adapters over moto."""

from itertools import zip_longest

import pytest
from serverless_tasks.core.task_types.task_type import forget_task_types
from serverless_tasks.testing import MemoryStack

from tests.support.moto_stack import MotoStack
from tests.support.scenarios import FLOWS, SCENARIOS
from tests.support.snapshot import Snapshot, snapshot
from tests.support.watched import WatchedStack


def in_memory(name: str) -> Snapshot:
    stack = WatchedStack() if name in FLOWS else MemoryStack()
    SCENARIOS[name](stack)
    return snapshot(stack)


def over_moto(name: str) -> Snapshot:
    with MotoStack(FastLane="false") as stack:  # as the stack in memory is by default
        SCENARIOS[name](stack)
        return snapshot(stack)


@pytest.mark.usefixtures("event_loops")
@pytest.mark.parametrize("name", SCENARIOS)
def test_both_stacks_end_alike(name: str) -> None:
    # GIVEN what happened in memory
    expected = in_memory(name)
    forget_task_types()

    # WHEN the same happens to the real adapters
    found = over_moto(name)

    # THEN every item, object and message is the same, times included
    for mine, theirs in zip_longest(expected.pop("items"), found.pop("items")):
        assert mine == theirs
    assert expected == found
