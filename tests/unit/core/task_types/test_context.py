"""What a handler may ask and do."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task_types.context import TaskContext


@pytest.fixture
def saved():
    return []


@pytest.fixture
def context(saved):
    return TaskContext(state="before", save=lambda *call: saved.append(call))


def test_context_of_a_test_needs_nothing():
    context = TaskContext()
    assert (context.attempt, context.run, context.idempotency_key, context.state) == (1, 0, "", None)
    assert (context.remaining_time, context.cancelled) == (900.0, False)


def test_context_carries_what_it_was_given():
    context = TaskContext(
        attempt=2, run=3, idempotency_key="k", state=[1], remaining_time=lambda: 7.5, is_cancelled=lambda: True
    )
    assert (context.attempt, context.run, context.idempotency_key, context.state) == (2, 3, "k", [1])
    assert (context.remaining_time, context.cancelled) == (7.5, True)


def test_time_that_is_over_is_zero():
    assert TaskContext(remaining_time=lambda: -3.0).remaining_time == 0.0


def test_time_and_cancellation_are_asked_for_anew():
    answers = iter([9.0, 8.0])
    context = TaskContext(remaining_time=lambda: next(answers))
    assert [context.remaining_time, context.remaining_time] == [9.0, 8.0]


@pytest.mark.parametrize("progress", [0, 0.25, 1, 1.0, Fraction(1, 4)])
def test_checkpoint_is_saved_with_its_progress_as_a_float_and_becomes_the_state(context, saved, progress):
    context.checkpoint({"page": 2}, progress)
    assert saved == [({"page": 2}, progress)]
    assert type(saved[0][1]) is float
    assert context.state == {"page": 2}


def test_checkpoint_without_progress(context, saved):
    context.checkpoint([1])
    assert saved == [([1], None)]


@pytest.mark.parametrize(
    ("progress", "shown"), [(1.0000000000000002, 1), (-0.01, 0), (2, 1), (math.inf, 1), (-math.inf, 0), (10**400, 1)]
)
def test_progress_beyond_its_ends_is_taken_as_the_end(context, saved, progress, shown):
    context.checkpoint("after", progress)
    assert saved == [("after", shown)]


@pytest.mark.parametrize("progress", [math.nan, "0.5", Decimal("0.5"), [0], 1j])
def test_impossible_progress_is_refused_and_nothing_is_saved(context, saved, progress):
    with pytest.raises(InvalidInput, match=r"^progress: must be a number from 0 to 1, not ") as caught:
        context.checkpoint("after", progress)
    assert caught.value.field == "progress"
    assert (saved, context.state) == ([], "before")


def test_state_that_cannot_be_saved_is_not_the_state():
    def refuse(_state, _progress):
        raise InvalidInput("state", "is not JSON")

    context = TaskContext(state="before", save=refuse)
    with pytest.raises(InvalidInput):
        context.checkpoint(object())
    assert context.state == "before"


def test_sub_task_has_no_checkpoints():
    with pytest.raises(InvalidInput, match=r"^checkpoint: sub-tasks have none"):
        TaskContext().checkpoint(1)
