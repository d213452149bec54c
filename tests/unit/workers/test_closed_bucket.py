"""The bucket refuses, by a policy, a key, a throttle: what is asked for may be had later, unlike what is missing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from botocore.exceptions import ClientError
from serverless_tasks import TaskStatus, TaskType
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.transitions import UNREAD, attempt_start
from serverless_tasks.core.task_types.failures import MAX_FUTILE_CLAIMS
from serverless_tasks.core.times import to_iso

from tests.support.examples import a_task

ONE, TWO = timedelta(minutes=1), timedelta(minutes=2)
REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")


@pytest.fixture
def close(stack, monkeypatch):
    """Let the bucket refuse so many reads; the moments of those are returned."""

    def closing(times):
        moments, payloads = [], stack.memory.payloads

        def refusing(read):
            def reading(*arguments):
                if len(moments) < times:
                    moments.append(stack.clock())
                    raise REFUSED
                return read(*arguments)

            return reading

        for name in ("load", "blocks", "lines"):
            monkeypatch.setattr(payloads, name, refusing(getattr(payloads, name)))
        return moments

    return closing


def single(stack):
    return stack.service.create_task("mbc", "cat", "x" * 5000).key


def many(stack):
    return stack.service.create_step_function_task("mbc", "cat", ["x" * 5000] * 3).key


def test_a_single_task_waits_and_its_attempt_begins_when_it_can(stack, close):
    """Longer than its timeout, with one attempt alone: neither is used up by waiting."""
    ran = []
    TaskType("cat", max_attempts=1, timeout=20).task(lambda event, context: ran.append(context.attempt))
    close(2)
    began = stack.clock()

    task = stack.run(single(stack))

    assert (task.status, ran) == (TaskStatus.COMPLETED, [1])
    assert stack.clock() - began == ONE + TWO
    assert [entry["reason"] for entry in task.history if entry.get("reason")] == [UNREAD, UNREAD]


def test_an_attempt_that_goes_on_later_has_read_its_input_anew(stack, close):
    ran = []

    @TaskType("cat", max_attempts=2).task
    def handle(event, context):
        ran.append(context.attempt)
        if context.attempt == 1:
            close(1)
            raise ValueError("boom")

    assert stack.run(single(stack)).status is TaskStatus.COMPLETED
    assert ran == [1, 2]


def test_an_attempt_that_has_waited_goes_on_with_the_time_that_it_had_left():
    began, used, waited = datetime(2026, 1, 1, tzinfo=UTC), timedelta(seconds=90), timedelta(minutes=1)
    claimed = began + used
    entries = [("PROCESSING", began, None), ("QUEUED", claimed, "goes on from its checkpoint")]
    entries += [("PROCESSING", claimed, None), ("QUEUED", claimed, UNREAD)]
    history = tuple({"status": status, "at": to_iso(at), "attempt": 1, "reason": why} for status, at, why in entries)
    task = a_task(TaskStatus.QUEUED, attempt=1, attempt_started_at=to_iso(began), history=history)

    start = attempt_start(task, claimed + waited)

    assert claimed + waited - start == used
    assert transitions.claimed(task, claimed + waited, began, {}).set["attemptStartedAt"] == to_iso(start)


def test_a_single_task_that_is_refused_for_very_long_fails_of_it(stack, close):
    TaskType("cat", max_attempts=1).task(lambda event, context: None)
    moments = close(1000)

    task = stack.run(single(stack))

    assert (task.status, task.error["type"]) == (TaskStatus.FAILED, "ClientError")
    assert "AccessDenied" in task.error["message"]
    assert len(moments) == MAX_FUTILE_CLAIMS + 1


def test_a_plan_is_made_later(stack, close):
    TaskType("cat", max_attempts=1).sub_task(lambda event, context: None)
    close(2)
    began = stack.clock()

    task = stack.run(many(stack))

    assert (task.status, task.attributes["subTaskCount"]) == (TaskStatus.COMPLETED, 3)
    assert stack.clock() - began == ONE + TWO


def test_a_plan_that_is_refused_for_very_long_is_given_up_with_what_the_bucket_says(stack, close):
    TaskType("cat").sub_task(lambda event, context: None)
    close(1000)

    task = stack.run(many(stack))

    assert (task.status, task.error["type"]) == (TaskStatus.FAILED, "WorkerLost")
    assert "AccessDenied" in task.error["message"]


@pytest.mark.parametrize("wants", ["outcomes", "input", "results"])
def test_a_fan_in_is_not_charged_for_it(stack, close, wants):
    """Not even one whose code catches what it raises."""
    cat = TaskType("cat", max_attempts=1)
    cat.sub_task(lambda event, context: "r" * 5000)
    began = []

    @cat.finished
    def finished(event, outcomes):
        if not began:
            close(1)
        began.append(stack.clock())
        try:
            if wants == "input":
                return list(event.input)
            return [outcome.result if wants == "results" else outcome.status for outcome in outcomes]
        except Exception as error:
            return str(error)

    task = stack.run(many(stack))

    assert (task.status, len(task.attributes.get("error", ""))) == (TaskStatus.COMPLETED, 0)
    assert [later - sooner for sooner, later in pairwise(began)] == [ONE]
    assert isinstance(stack.service.load_result(task), list)


def test_a_fan_in_that_is_refused_for_very_long_ends_the_task(stack, close):
    cat = TaskType("cat")
    cat.sub_task(lambda event, context: "r" * 5000)

    @cat.finished
    def finished(event, outcomes):
        close(1000)
        return len(list(outcomes))

    task = stack.run(many(stack))

    assert (task.status, task.error["type"]) == (TaskStatus.FAILED, "WorkerLost")
    assert "AccessDenied" in task.error["message"]
