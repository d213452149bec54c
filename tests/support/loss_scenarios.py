"""What gets lost and is healed by the sweeper, each played on any stack, as in :mod:`tests.support.scenarios`."""

from typing import Any

from serverless_tasks import Backoff, TaskStatus, TaskType
from serverless_tasks.testing import WorkerKilled

from tests.support.scenarios import scenario
from tests.support.stacks import Stack, lose_messages, lose_record, path, stop_execution, sweep_until_ended


@scenario
def the_record_of_a_new_task_is_lost(stack: Stack) -> None:
    TaskType("cat").task(lambda event, context: "found")
    key = stack.service.create_task("mbc", "cat", 1).key
    lose_record(stack)

    assert path(sweep_until_ended(stack, key)) == "CREATED QUEUED PROCESSING COMPLETED"


@scenario
def the_record_of_a_new_fan_out_is_lost(stack: Stack) -> None:
    TaskType("cat").sub_task(lambda event, context: "found")
    key = stack.service.create_step_function_task("mbc", "cat", [1, 2]).key
    lose_record(stack)

    assert path(sweep_until_ended(stack, key)) == "CREATED STARTED PROCESSING FINISHED COMPLETED"


@scenario
def a_message_is_lost(stack: Stack) -> None:
    TaskType("cat").task(lambda event, context: "found")
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.relay_one()
    lose_messages(stack)

    assert path(sweep_until_ended(stack, key)) == "CREATED QUEUED PROCESSING COMPLETED"


@scenario
def worker_and_message_are_lost(stack: Stack) -> None:
    cat = TaskType("cat", timeout=60)

    @cat.task
    def die_once(event: Any, context: Any) -> int:
        if context.attempt == 1:
            lose_messages(stack)
            raise WorkerKilled
        return int(context.attempt)

    key = stack.service.create_task("mbc", "cat", 1).key

    assert sweep_until_ended(stack, key).result == 2


@scenario
def the_message_of_a_retry_is_lost(stack: Stack) -> None:
    cat = TaskType("cat", backoff=Backoff(base=10))

    @cat.task
    def fail_once(event: Any, context: Any) -> int:
        if context.attempt == 1:
            lose_messages(stack)
            raise ValueError("no")
        return int(context.attempt)

    key = stack.service.create_task("mbc", "cat", 1).key

    assert sweep_until_ended(stack, key).result == 2


@scenario
def an_execution_is_stopped_by_hand(stack: Stack) -> None:
    TaskType("cat").sub_task(lambda event, context: "never")
    key = stack.service.create_step_function_task("mbc", "cat", [1, 2]).key
    stack.relay_one()
    stop_execution(stack, stack.task(key))

    task = sweep_until_ended(stack, key)

    assert task.status is TaskStatus.FAILED
    assert task.error == {"type": "WorkerLost", "message": "its execution has ended without it; retry it"}
