"""Ends that no worker writes, over moto, where permissions are checked."""

from typing import Any

import pytest
from serverless_tasks import TaskStatus, TaskType
from serverless_tasks.testing import WorkerKilled
from serverless_tasks.workers.chunk import run

from tests.support.moto_stack import MotoStack
from tests.support.stacks import stop_execution, sweep_until_ended


@pytest.mark.parametrize("stack", [{"FastLane": "false"}], indirect=True)  # nobody can stop a lane
def test_an_end_by_the_sweeper_counts_what_a_dead_worker_did_not(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a worker that dies between its last write and the count, and an execution that is stopped then
    TaskType("cat", chunk_size=1).sub_task(lambda event, context: event.input)
    key = stack.service.create_step_function_task("mbc", "cat", [1, 2]).key

    def die(*_: Any) -> None:
        raise WorkerKilled

    with monkeypatch.context() as patched:
        patched.setattr(run, "count_chunk", die)
        while not stack.calls.invocations or stack.calls.invocations[-1] != "chunk":
            stack.step()
    assert stack.task(key).attributes["subTaskSucceedCount"] == 0
    stop_execution(stack, stack.task(key))

    # WHEN the sweeper ends the task
    task = sweep_until_ended(stack, key)

    # THEN its counters are what its sub-tasks say
    assert task.status is TaskStatus.FAILED
    ended = [sub_task.attributes for sub_task in stack.service.list_sub_tasks(key).items]
    assert task.attributes["subTaskSucceedCount"] == sum("result" in attributes for attributes in ended) > 0
