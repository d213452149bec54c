"""Inputs whose elements are heavy in one place: chunks of them differ in size, and every reader finds the right one."""

import pytest
from serverless_tasks import TaskKey, TaskNotFound, TaskStatus, TaskType
from serverless_tasks.core.fan_out import cuts
from serverless_tasks.testing import MemoryStack, WorkerKilled

from tests.support.tasks import relay_all

SIZES = [500] * 6 + [1] * 20 + [500] * 2 + [1] * 3
CUT = [2, 2, 2, 6, 6, 6, 3, 4]
"""By 1,008 bytes, and 6 elements of the type."""


@pytest.fixture
def cat(monkeypatch: pytest.MonkeyPatch) -> TaskType:
    monkeypatch.setattr(cuts, "CHUNK_BYTES", 1008)
    cat = TaskType("cat", chunk_size=6)
    cat.sub_task(lambda event, context: event.index)
    return cat


def started(stack: MemoryStack) -> TaskKey:
    upload = stack.service.create_upload("mbc")
    stack.upload(upload, b"".join(b'"%s"\n' % (b"x" * size) for size in SIZES))
    key = stack.service.create_step_function_task("mbc", "cat", input_ref=upload.input_ref).key
    relay_all(stack)
    return key


def plan(stack: MemoryStack, key: TaskKey) -> dict[str, object]:
    return stack.invoke("plan", {"input": {"pk": key.pk, "sk": key.sk, "run": 0}, "executionArn": "arn"})


def counts(stack: MemoryStack, key: TaskKey) -> list[int]:
    return [chunk.range.count for chunk in stack.memory.table.chunks("mbc", key.code)]


def test_a_heavy_part_is_cut_by_its_bytes_and_all_of_it_runs(stack, cat):
    key = started(stack)

    assert plan(stack, key)["chunks"] == list(range(len(CUT)))
    assert counts(stack, key) == CUT
    assert stack.run(key).attributes["subTaskSucceedCount"] == len(SIZES)
    assert [len(sub_task.input) for sub_task in stack.service.list_sub_tasks(key, limit=100).items] == SIZES


@pytest.mark.parametrize("before", range(1, len(CUT)))
def test_a_plan_that_died_half_way_is_finished_as_it_began(stack, cat, monkeypatch, before):
    key = started(stack)
    put, written = stack.memory.table.put, []

    def die(item):
        if len(written) == before:
            raise WorkerKilled
        written.append(put(item))

    monkeypatch.setattr(stack.memory.table, "put", die)
    with pytest.raises(WorkerKilled):
        plan(stack, key)
    monkeypatch.setattr(stack.memory.table, "put", put)
    cat.chunk_size = 3  # a deployment came in between
    monkeypatch.setattr(cuts, "CHUNK_BYTES", 2000)

    assert plan(stack, key)["chunks"] == list(range(len(CUT)))
    assert counts(stack, key) == CUT
    assert stack.run(key).attributes["subTaskSucceedCount"] == len(SIZES)


def test_what_no_chunk_can_hold_fails_the_task_before_anything_is_written(stack, cat, monkeypatch):
    monkeypatch.setattr(cuts, "CHUNK_BYTES_LIMIT", 502)

    task = stack.run(started(stack))

    assert task.status is TaskStatus.FAILED
    assert task.error["type"] == "InvalidInput"
    assert task.error["message"].startswith("inputRef: sub-tasks 0 to 1 have 1006 bytes in one piece")
    assert counts(stack, task.key) == []


def test_an_outcome_by_hand_finds_its_chunk(stack, cat):
    key = started(stack)
    plan(stack, key)

    for index in range(len(SIZES)):
        done = stack.service.update_sub_task_status(key.sub_task(index), TaskStatus.COMPLETED, {"result": index})
        assert done.index == index
    with pytest.raises(TaskNotFound):
        stack.service.update_sub_task_status(key.sub_task(len(SIZES)), TaskStatus.COMPLETED)

    assert stack.task(key).attributes["subTaskSucceedCount"] == len(SIZES)
    found = stack.service.list_sub_tasks(key, limit=100).items
    assert [sub_task.attributes["result"] for sub_task in found] == list(range(len(SIZES)))
