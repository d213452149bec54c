"""The longest histories that the state machines can make, the definitions played by tests/support/asl.py.

A Standard execution ends at 25,000 events (Step Functions quotas). It must end by itself before.
"""

import itertools

import pytest
from serverless_tasks.core.fan_out.lane import MAX_CHUNKS
from serverless_tasks.core.fan_out.rounds import MAX_LANE_LOOKS, MAX_ROUNDS
from serverless_tasks.testing import VirtualClock

from tests.support import asl
from tests.support.resources import ROOT
from tests.upgrade.recordings import NEWEST
from tests.upgrade.world import filled_in

MOST_EVENTS = 25_000
GIVEN = {"pk": "SFN_TASK#mbc", "sk": "cat#1", "run": 0}
LANE = (ROOT / "statemachine" / "fast_lane.asl.json").read_text(encoding="utf-8")


def raised(name: str) -> Exception:
    """An error of this name, as Step Functions sees it."""
    return type(name, (Exception,), {})()


def worst_plans():
    """Looks after a lane, a first round inline, and then as many rounds as there may be, each after a wait."""
    waits = {"next": "wait", "seconds": 1}
    yield from itertools.repeat(waits, MAX_LANE_LOOKS)
    yield {"next": "few", "chunks": list(range(MAX_CHUNKS))}
    for _ in range(MAX_ROUNDS):
        yield waits
        yield {"next": "run", "chunks": [0]}
    yield {"next": "finish"}


class Worst:
    """Answers of functions, each as often refused as the definition bears."""

    def __init__(self) -> None:
        self.plans, self.planned = worst_plans(), 0
        self.refusals = 0
        refused, died = raised("Lambda.TooManyRequestsException"), raised("Runtime.ExitError")
        self.errors = itertools.cycle([refused, refused, refused, died])

    def __call__(self, arn: str, given: dict) -> dict:
        if arn == "PlanFunction":
            return self.plan()
        if arn == "ChunkFunction" and self.planned <= MAX_LANE_LOOKS + 1:
            raise raised("Sandbox.Timedout") if given.get("free") else next(self.errors)
        if arn == "FinishFunction" and "failure" not in given:
            self.refusals += 1
            raise raised("BucketUnread") if self.refusals <= 11 else raised("ValueError")
        return {}

    def plan(self) -> dict:
        if self.planned == 0 and self.refusals < 28:  # once, as often as it may be
            self.refusals += 1
            raise raised("Lambda.ServiceException") if self.refusals <= 25 else raised("ValueError")
        self.refusals, self.planned = 0, self.planned + 1
        return next(self.plans)


def test_the_longest_history_of_the_state_machine_has_room():
    worst = Worst()
    execution = asl.Execution(
        filled_in(NEWEST), worst, VirtualClock(), asl.Usage(), {"Execution": {"Id": "arn"}}, GIVEN
    )

    execution.run()

    assert (execution.status, worst.planned) == ("FAILED", MAX_LANE_LOOKS + 2 + 2 * MAX_ROUNDS)
    assert 24_000 < execution.events < MOST_EVENTS - 100


@pytest.mark.parametrize("name", ["RunFewChunks", "RunChunks"])
def test_an_iteration_of_an_inline_map_fails_for_nothing(name):
    definition = filled_in(NEWEST if name == "RunFewChunks" else LANE)
    for error in ("Runtime.ExitError", "States.Timeout", "Lambda.ServiceException", "AnythingElse"):

        def refuse(arn, given, error=error):
            raise raised(error)

        iteration = definition["States"][name]["ItemProcessor"]
        given = {**GIVEN, "chunk": 0, "holder": "a child", "seconds": 200}
        child = asl.Execution(iteration, refuse, VirtualClock(), asl.Usage(), {}, given, inside=True)
        child.run()
        assert (child.status, child.data) == ("SUCCEEDED", {})


def test_a_worker_of_a_lane_that_takes_too_long_is_left_and_not_freed():
    clock, called = VirtualClock(), []

    def work(arn, given):
        called.append(given)
        clock.advance(201)
        return {}

    iteration = filled_in(LANE)["States"]["RunChunks"]["ItemProcessor"]
    given = {**GIVEN, "chunk": 0, "holder": "a child", "seconds": 200}
    child = asl.Execution(iteration, work, clock, asl.Usage(), {}, given, express=True, inside=True)
    child.run()
    assert (child.status, called) == ("SUCCEEDED", [given])


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "SUCCEEDED"), ("StepFunctions.ExecutionAlreadyExistsException", "SUCCEEDED"), ("AccessDenied", "FAILED")],
)
def test_a_lane_hands_over_once_by_the_name_that_it_has(error, status):
    asked = []

    def answer(arn, given):
        if arn == "PlanFunction":
            return {"next": "hand-over"}
        asked.append(given)
        if error:
            raise raised(error)
        return {}

    context = {"Execution": {"Id": "arn", "Name": "01KF-1"}}
    lane = asl.Execution(filled_in(LANE), answer, VirtualClock(), asl.Usage(), context, GIVEN, express=True)
    lane.run()

    assert lane.status == status
    assert asked[0] == {"StateMachineArn": "FanOutStateMachine", "Name": "01KF-1", "Input": GIVEN}
    assert len(asked) == (5 if status == "FAILED" else 1)
