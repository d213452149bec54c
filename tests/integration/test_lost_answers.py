"""A write whose answer is lost is sent again by botocore, and must not lose the race against itself."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from serverless_tasks import BoundReached, Caller, LostRace, TaskStatus, TaskType
from serverless_tasks.adapters.table import TaskTable

from tests.support.moto_stack import MotoStack


class Resent:
    """A client each of whose writes reaches DynamoDB twice, the first answer never having arrived."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        return self._twice(call) if name in ("put_item", "update_item") else call

    def _twice(self, call: Any) -> Any:
        def twice(**arguments: Any) -> Any:
            with suppress(ClientError):
                call(**arguments)
            try:
                return call(**arguments)
            except ClientError as error:
                error.response["ResponseMetadata"]["RetryAttempts"] = 1
                raise

        return twice


@pytest.fixture
def stack() -> Iterator[MotoStack]:
    cat = TaskType("cat", max_attempts=1, chunk_size=2)
    cat.task(lambda event, context: "done")
    cat.sub_task(lambda event, context: event.input)
    with MotoStack(FastLane="false") as stack:  # as the stack in memory is by default
        workers = (stack.relay, stack.queue_worker, stack.planner, stack.chunk_worker, stack.finisher)
        for cloud in (stack.service._cloud, *(worker._cloud for worker in workers)):
            cloud.table = TaskTable(Resent(cloud.table._client), cloud.table.name)
        yield stack


def test_a_single_task_runs_as_if_nothing_had_been(stack: MotoStack) -> None:
    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert (task.status, task.result, task.attempt, task.version) == (TaskStatus.COMPLETED, "done", 1, 3)
    assert [entry["status"] for entry in task.history] == ["CREATED", "QUEUED", "PROCESSING", "COMPLETED"]


def test_a_fan_out_runs_as_if_nothing_had_been(stack: MotoStack) -> None:
    task = stack.run(stack.service.create_step_function_task("mbc", "cat", [1, 2, 3]).key)

    assert [entry["status"] for entry in task.history] == ["CREATED", "STARTED", "PROCESSING", "FINISHED", "COMPLETED"]
    assert task.attributes["subTaskSucceedCount"] == 3


def test_a_cancel_is_answered_as_done(stack: MotoStack) -> None:
    key = stack.service.create_task("mbc", "cat", 1).key

    assert stack.service.cancel_task(key).status is TaskStatus.CANCELLED
    assert stack.service.retry_task(key).run == 1


def test_a_race_that_was_lost_to_another_stays_lost(stack: MotoStack) -> None:
    # GIVEN two who read the same task
    key = stack.service.create_task("mbc", "cat", 1).key
    seen = stack.task(key)
    stack.service.cancel_task(key)

    # WHEN the second one's write is sent twice, too
    from serverless_tasks.core.task import transitions

    with pytest.raises(LostRace):
        stack.service._cloud.table.update(transitions.queued(seen, stack.clock.now))


def test_a_bound_is_never_passed(stack: MotoStack) -> None:
    # GIVEN a user who may create one task
    cloud, caller = stack.service._cloud, Caller("alice")
    cloud.settings = replace(cloud.settings, user_tasks_per_minute=1)

    # WHEN the window was counted, and its answer lost, THEN the task is made all the same
    stack.service.create_task("mbc", "cat", 1, caller=caller)

    # AND when it was full, and that answer was lost, the next one is not
    with pytest.raises(BoundReached):
        stack.service.create_task("mbc", "cat", 2, caller=caller)
