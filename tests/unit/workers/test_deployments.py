"""Deployments in the middle of a run: what a task began with decides its end, and a retry takes what is there then."""

import pytest
from serverless_tasks import Backoff, TaskStatus, TaskType
from serverless_tasks.core.task_types.task_type import forget_task_types

from tests.support.tasks import create, create_list, statuses

HOUR = Backoff(base=3600, cap=3600)


def deploy(sub_task=None, task=None, finished=None, **policy):
    """From now on this code runs, and no other."""
    forget_task_types()
    cat = TaskType("cat", **policy)
    for decorate, handler in ((cat.sub_task, sub_task), (cat.task, task), (cat.finished, finished)):
        if handler:
            decorate(handler)


def double(event, context):
    return event.input * 2


def total(event, outcomes):
    return sum(outcome.result for outcome in outcomes)


def broken(event, context):
    raise ValueError("broken")


def until(stack, done):
    """Let things happen, and time pass where nothing can."""
    while not done():
        if not stack.step():
            stack.clock.advance(1)


def until_finish(stack):
    until(stack, lambda: any(execution.next == "Finish" for execution in stack._executions()))


def forget_what_it_began_with(stack, key):
    """The item as older code has it."""
    for name in ("policy", "cut"):
        stack.memory.table.items[key.pk, key.sk].pop(name, None)


@pytest.mark.parametrize("known", [True, False])
def test_a_type_that_is_gone_at_the_end_fails_the_task_and_a_retry_after_the_mend_runs_its_fan_in(stack, known):
    # GIVEN a task with a fan-in, all of whose sub-tasks have ended
    deploy(double, finished=total)
    key = create_list(stack, [1, 2, 3])
    until_finish(stack)
    if not known:
        forget_what_it_began_with(stack, key)

    # WHEN a deployment without the type ends it
    forget_task_types()
    task = stack.run(key)

    # THEN it is FAILED with the reason, and what was done counts
    lacks = (
        "no fan-in for task type 'cat', which had one when the run began" if known else "no handler for task type 'cat'"
    )
    assert task.error == {"type": "NoHandler", "message": lacks}
    assert task.attributes["subTaskSucceedCount"] == 3

    # AND a retry after the mend goes on from there
    ran = []
    deploy(lambda event, context: ran.append(1), finished=total)
    stack.service.retry_task(key)
    assert stack.run(key).result == 12
    assert ran == []


def test_a_fan_in_that_is_gone_fails_the_task_although_its_type_is_there(stack):
    deploy(double, finished=total)
    key = create_list(stack, [1])
    until_finish(stack)

    deploy(double)

    assert stack.run(key).error["type"] == "NoHandler"


@pytest.mark.parametrize("later", [forget_task_types, lambda: deploy(double), lambda: deploy(double, finished=total)])
def test_a_type_that_had_no_fan_in_when_planned_completes_without_one(stack, later):
    deploy(double)
    key = create_list(stack, [1])
    until_finish(stack)

    later()
    task = stack.run(key)

    assert (task.status, task.result) == (TaskStatus.COMPLETED, None)


def test_a_task_of_older_code_without_a_fan_in_completes(stack):
    deploy(double)
    key = create_list(stack, [1])
    until_finish(stack)
    forget_what_it_began_with(stack, key)

    assert stack.run(key).status is TaskStatus.COMPLETED


def test_a_type_that_is_gone_between_rounds_is_no_failure_that_is_tolerated(stack):
    # GIVEN sub-tasks that wait for another attempt, of a type that tolerates all failures
    policy = {"tolerated_failures": "100%", "backoff": HOUR}
    deploy(broken, **policy)
    key = create_list(stack, [1, 2])
    until(
        stack, lambda: any(execution._state.get("plan", {}).get("next") == "wait" for execution in stack._executions())
    )

    # WHEN the next round runs without the type
    forget_task_types()
    task = stack.run(key)

    # THEN the task is FAILED with the reason, and no sub-task was charged
    assert task.error == {"type": "NoHandler", "message": "no handler for task type 'cat'"}

    # AND a retry after the mend runs what is left
    deploy(double, **policy)
    stack.service.retry_task(key)
    assert stack.run(key).status is TaskStatus.COMPLETED
    assert statuses(stack, key) == ["COMPLETED", "COMPLETED"]


def test_a_chunk_worker_without_the_handler_takes_no_chunk(stack):
    deploy(double)
    key = create_list(stack, [1])
    until(stack, lambda: stack.task(key).status is TaskStatus.PROCESSING)

    forget_task_types()
    stack.invoke("chunk", {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0})

    [chunk] = stack.memory.table.chunks("mbc", key.code)
    assert (chunk.attempt, statuses(stack, key)) == (0, ["CREATED"])


@pytest.mark.parametrize(
    ("before", "after", "first", "second"), [("100%", 0, "COMPLETED", None), (0, "100%", "FAILED", "COMPLETED")]
)
def test_what_was_tolerated_when_it_began_decides_and_a_retry_takes_it_anew(stack, before, after, first, second):
    deploy(broken, max_attempts=1, tolerated_failures=before)
    key = create_list(stack, [1])
    until_finish(stack)

    deploy(broken, max_attempts=1, tolerated_failures=after)
    assert stack.run(key).status == first

    if second:
        stack.service.retry_task(key)
        assert stack.run(key).status == second


@pytest.mark.parametrize(("before", "after"), [(3, 1), (1, 3), (2, 3)])
def test_a_task_has_the_attempts_that_it_began_with_and_a_retry_has_those_of_today(stack, before, after):
    attempts = []

    def fail(event, context):
        attempts.append((context.run, context.attempt))
        if len(attempts) == 1:
            deploy(task=fail, max_attempts=after, backoff=HOUR)
        raise ValueError("broken")

    deploy(task=fail, max_attempts=before, backoff=HOUR)
    key = create(stack)

    assert stack.run(key).status is TaskStatus.FAILED
    assert attempts == [(0, n + 1) for n in range(before)]
    stack.service.retry_task(key)
    stack.run(key)
    assert attempts[before:] == [(1, n + 1) for n in range(after)]


def test_sub_tasks_have_the_attempts_that_their_task_began_with(stack):
    attempts = []

    def fail(event, context):
        attempts.append(context.attempt)
        deploy(fail, max_attempts=1, backoff=HOUR)
        raise ValueError("broken")

    deploy(fail, max_attempts=3, backoff=HOUR)

    assert stack.run(create_list(stack, [1])).status is TaskStatus.FAILED
    assert attempts == [1, 2, 3]


def test_a_task_of_older_code_has_no_attempt_more_than_this_code_allows(stack):
    # GIVEN a task of older code that waits for its second attempt
    deploy(task=broken, max_attempts=5, backoff=HOUR)
    key = create(stack)
    until(stack, lambda: stack.task(key).status is TaskStatus.ERRORED)
    forget_what_it_began_with(stack, key)

    # WHEN the code that goes on with it allows one
    deploy(task=broken, max_attempts=1, backoff=HOUR)
    task = stack.run(key)

    # THEN it ends without a second, and says why
    said = {"type": "AttemptsUsedUp", "message": "1 of 1 attempts were begun; a retry begins anew"}
    assert (task.status, task.error, task.attempt) == (TaskStatus.FAILED, said, 1)


def test_what_a_run_began_with_goes_with_its_end(stack):
    deploy(double, task=double)
    single, fan_out = create(stack), create_list(stack, [1])

    assert [stack.run(key).policy for key in (single, fan_out)] == [None, None]
