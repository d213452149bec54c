"""The stack in memory is what forks test with: each scenario ends there exactly as with the real adapters over moto."""

from itertools import zip_longest

import pytest
from serverless_tasks.core.task_types.task_type import forget_task_types
from serverless_tasks.testing import MemoryStack

from tests.support import fan_out_scenarios, loss_scenarios
from tests.support.moto_stack import MotoStack
from tests.support.scenarios import SCENARIOS, Scenario
from tests.support.snapshot import Snapshot, snapshot

assert fan_out_scenarios
assert loss_scenarios


def in_memory(play: Scenario) -> Snapshot:
    stack = MemoryStack()
    play(stack)
    return snapshot(stack)


def over_moto(play: Scenario) -> Snapshot:
    with MotoStack() as stack:
        play(stack)
        return snapshot(stack)


@pytest.mark.parametrize("name", SCENARIOS)
def test_both_stacks_end_alike(name: str) -> None:
    # GIVEN what happened in memory
    expected = in_memory(SCENARIOS[name])
    forget_task_types()

    # WHEN the same happens to the real adapters
    found = over_moto(SCENARIOS[name])

    # THEN every item, object and message is the same, times included
    for mine, theirs in zip_longest(expected.pop("items"), found.pop("items")):
        assert mine == theirs
    assert expected == found
