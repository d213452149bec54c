"""What a child of the map does after each error of its worker: the definition, played by tests/support/asl.py."""

import pytest
from serverless_tasks.testing import VirtualClock

from tests.support import asl
from tests.upgrade.recordings import NEWEST
from tests.upgrade.world import filled_in

CHILD = filled_in(NEWEST)["States"]["RunChunks"]["ItemProcessor"]
GIVEN = {"pk": "SFN_TASK#mbc", "sk": "cat#1", "run": 0, "chunk": 3, "holder": "2026-01-01T00:00:00.000Z"}
DEATHS = ["Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout", "Lambda.Unknown", "Runtime.HandlerError"]
NOT_BEGUN = "Lambda.TooManyRequestsException"
MAY_LIVE = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
]


def play(*errors: str) -> tuple[str, list[bool]]:
    """Calls of the worker fail with these errors, then one succeeds; how the child ended, and which calls said lost."""
    said: list[bool] = []

    def invoke(arn, given):
        assert {**given, "lost": None} == {**GIVEN, "lost": None}
        said.append(given.get("lost", False))
        if len(said) <= len(errors):
            raise type(errors[len(said) - 1], (Exception,), {})
        return {}

    child = asl.Execution(CHILD, invoke, VirtualClock(), asl.Usage(), {}, GIVEN)
    child.run()
    return child.status, said


@pytest.mark.parametrize("death", DEATHS)
def test_after_a_death_the_next_worker_learns_of_it(death):
    assert play(death, death) == ("SUCCEEDED", [False, True, True])


@pytest.mark.parametrize("error", [NOT_BEGUN, *MAY_LIVE])
def test_a_worker_that_may_live_is_called_again_and_not_replaced(error):
    assert play(error, error) == ("SUCCEEDED", [False, False, False])


@pytest.mark.parametrize("error", MAY_LIVE)
@pytest.mark.parametrize("death", DEATHS)
def test_a_worker_that_may_live_does_not_lose_its_lease_by_the_death_of_another(error, death):
    assert play(error, death) == ("FAILED", [False, False])


def test_the_only_worker_that_was_begun_is_the_dead_one():
    assert play(NOT_BEGUN, DEATHS[0]) == ("SUCCEEDED", [False, False, True])


def test_a_call_that_was_not_begun_is_made_again_with_what_it_says():
    assert play(DEATHS[0], NOT_BEGUN) == ("SUCCEEDED", [False, True, True])


@pytest.mark.parametrize("error", MAY_LIVE)
def test_a_successor_that_may_live_is_not_replaced(error):
    assert play(DEATHS[0], error) == ("FAILED", [False, True])


def test_an_exception_of_the_worker_ends_its_child():
    assert play("ClientError") == ("FAILED", [False])


def test_a_function_that_cannot_start_is_left_to_a_later_round():
    status, said = play(*["Runtime.ExitError"] * 99)
    assert (status, len(said)) == ("FAILED", 10)
