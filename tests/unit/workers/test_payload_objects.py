"""An object that an item refers to is never written again: a worker that dies or comes late spoils nothing."""

import pytest
from serverless_tasks import TaskStatus, TaskType
from serverless_tasks.testing import WorkerKilled

from tests.support.tasks import planned

LARGE = 5000


def large(mark: str) -> str:
    return mark * LARGE


@pytest.fixture
def die_before(before_writes):
    """``die_before(path, time)`` kills the worker that makes the ``time``-th write with this path, before that."""

    def die_before(wanted, time):
        seen = []

        def dying(change):
            seen.extend([1] if wanted in change.set else [])
            if wanted in change.set and len(seen) == time:
                raise WorkerKilled

        before_writes(dying)

    return die_before


def test_a_worker_that_dies_between_object_and_item_leaves_the_last_checkpoint(stack, die_before):
    cat = TaskType("cat")
    states = []

    @cat.task
    def handle(event, context):
        states.append(context.state)
        context.checkpoint(large("a"))
        context.checkpoint(large("b"))
        return "done"

    die_before("attributes.checkpointRef", 2)
    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert states == [None, large("a")]
    assert (task.status, task.result) == (TaskStatus.COMPLETED, "done")


def test_a_checkpoint_after_one_that_aws_refused_leaves_the_last_one(stack, monkeypatch):
    cat = TaskType("cat")
    states, update = [], stack.memory.table.update_task
    fate = {"b": "refused", "c": "the worker dies"}

    def failing(change, before):
        reference = change.set.get("attributes.checkpointRef")
        mark = stack.memory.payloads.objects[reference["key"]][1] if reference else ""
        if fate.get(mark) == "refused":
            raise ConnectionError("refused")
        if fate.get(mark):
            raise WorkerKilled
        return update(change, before)

    @cat.task
    def handle(event, context):
        states.append(context.state)
        if context.attempt == 1:
            context.checkpoint(large("a"))
            with pytest.raises(ConnectionError):
                context.checkpoint(large("b"))
            context.checkpoint(large("c"))
        return "done"

    monkeypatch.setattr(stack.memory.table, "update_task", failing)
    stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert states == [None, large("a")]


def test_a_worker_that_lost_its_lease_leaves_the_checkpoint_that_the_next_one_goes_on_from(stack):
    cat = TaskType("cat", timeout=900)
    states = []

    @cat.task
    def handle(event, context):
        states.append(context.state)
        if context.attempt == 1:
            context.checkpoint(large("a"))
            stack.clock.advance(6000)  # beyond its lease
            stack.work_one()
            context.checkpoint(large("late"))
        if context.attempt == 2:
            raise ValueError("boom")
        return "done"

    task = stack.run(stack.service.create_task("mbc", "cat", 1).key)

    assert states == [None, large("a"), large("a")]
    assert task.result == "done"


def test_a_worker_that_dies_between_object_and_item_leaves_the_outcomes_flushed_before(stack, die_before):
    cat = TaskType("cat", chunk_size=4)
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        stack.clock.advance(6)
        return large("r")

    die_before("outcomesRef", 3)
    key = stack.service.create_step_function_task("mbc", "cat", [0, 1, 2, 3]).key
    task = stack.run(key)

    assert ran == [0, 1, 2, 2, 3]
    assert task.status is TaskStatus.COMPLETED
    assert [s.attributes["result"] for s in stack.service.list_sub_tasks(key).items] == [large("r")] * 4


def test_a_sub_task_result_is_that_of_the_worker_whose_outcome_counts(stack):
    cat = TaskType("cat", chunk_size=1)
    results = []

    @cat.sub_task
    def handle(event, context):
        if not results:
            results.append("first")
            stack.clock.advance(2000)  # beyond its lease
            stack.invoke("chunk", {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0})
            return "late" * 100_000
        return "in time" * 100_000

    @cat.finished
    def finished(event, outcomes):
        return [o.result[:7] for o in outcomes]

    key = planned(stack, [0])

    assert stack.run(key).result == ["in time"]


def test_the_result_of_a_fan_in_that_lost_harms_none_that_won(stack):
    cat = TaskType("cat")
    cat.sub_task(lambda event, context: None)
    runs = []

    @cat.finished
    def finished(event, outcomes):
        runs.append(1)
        if len(runs) == 1:
            stack.invoke("finish", {"pk": event.task_key.pk, "sk": event.task_key.sk, "run": 0})
            return large("late")
        return large("in time")

    task = stack.run(stack.service.create_step_function_task("mbc", "cat", [0]).key)

    assert stack.service.load_result(task) == large("in time")
