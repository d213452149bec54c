"""Chunks that expired one by one, and a chunk size that changed meanwhile: every element is in one chunk, once."""

import pytest
from serverless_tasks import PermanentError, TaskStatus, TaskType
from serverless_tasks.core.fan_out.chunks import Range, create
from serverless_tasks.core.task.keys import chunk_sk, chunks_pk
from serverless_tasks.core.task_types.task_type import forget_task_types

from tests.support.tasks import create_list, planned

ELEMENTS = list(range(8))


def deploy(chunk_size):
    """A type of this chunk size whose last sub-task fails in the first run."""
    forget_task_types()
    cat = TaskType("cat", chunk_size=chunk_size)

    @cat.sub_task
    def handle(event, context):
        if event.index == 7 and context.run == 0:
            raise PermanentError("broken")
        return event.index

    cat.finished(lambda event, outcomes: [outcome.result for outcome in outcomes])


def ranges(stack, key):
    return [(c.number, c.range.first, c.range.count) for c in stack.memory.table.chunks("mbc", key.code)]


def expire(stack, key, *numbers):
    """DynamoDB deletes expired items one by one, within days."""
    for number in numbers:
        del stack.memory.table.items[chunks_pk("mbc", key.code), chunk_sk(number)]


def forget_the_cut(stack, key):
    """The item as older code has it."""
    del stack.memory.table.items[key.pk, key.sk]["cut"]


def failed_and_retried(stack, elements, size, *expired, older=False, key=None):
    """A task that was cut by two, whose chunks have expired in part, and that is retried under another chunk size."""
    deploy(2)
    key = key or create_list(stack, elements)
    stack.run(key)
    before = ranges(stack, key)
    if older:
        forget_the_cut(stack, key)
    expire(stack, key, *expired)
    deploy(size)
    stack.service.retry_task(key)
    return before, stack.run(key)


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("expired", [(0,), (1,), (3,), (0, 1), (0, 3), (0, 1, 2), (1, 2, 3)])
def test_what_is_missing_is_cut_as_it_was(stack, expired, size, older):
    before, task = failed_and_retried(stack, ELEMENTS, size, *expired, older=older)

    assert (task.status, task.result, task.progress) == (TaskStatus.COMPLETED, ELEMENTS, 1)
    assert ranges(stack, task.key) == before == [(0, 0, 2), (1, 2, 2), (2, 4, 2), (3, 6, 2)]


@pytest.mark.parametrize("expired", [(0,), (2,), (0, 1, 2, 3)])
def test_so_is_an_input_in_the_bucket(stack, expired):
    upload = stack.service.create_upload("mbc", "jsonl")
    stack.upload(upload, b"".join(b"%d\n" % n for n in ELEMENTS))
    key = stack.service.create_step_function_task("mbc", "cat", input_ref=upload.input_ref).key

    before, task = failed_and_retried(stack, ELEMENTS, 3, *expired, key=key)

    assert (task.status, task.result) == (TaskStatus.COMPLETED, ELEMENTS)
    assert ranges(stack, key) == before


def test_a_task_that_knows_its_cut_keeps_it_when_every_chunk_has_expired(stack):
    before, task = failed_and_retried(stack, ELEMENTS, 3, 0, 1, 2, 3)

    assert (task.status, ranges(stack, task.key)) == (TaskStatus.COMPLETED, before)


def test_a_task_of_older_code_without_any_chunk_is_cut_by_the_code(stack):
    _, task = failed_and_retried(stack, ELEMENTS, 4, 0, 1, 2, 3, older=True)

    assert (task.status, ranges(stack, task.key)) == (TaskStatus.COMPLETED, [(0, 0, 4), (1, 4, 4)])


def test_chunks_that_fit_no_cut_end_the_task_failed_and_nothing_runs(stack):
    # GIVEN chunks that an older version has cut twice
    deploy(2)
    key = create_list(stack, ELEMENTS)
    stack.run(key)
    forget_the_cut(stack, key)
    expire(stack, key, 0, 2)
    stack.memory.table.put(create(stack.task(key), Range(2, 3, 3), 1))
    before = ranges(stack, key)

    # WHEN it is retried
    stack.service.retry_task(key)
    task = stack.run(key)

    # THEN it says so
    said = "chunks of it have expired, and where they were is not known; create the task anew"
    assert task.error == {"type": "PayloadMissing", "message": said}
    assert ranges(stack, key) == before


def test_chunks_that_overlap_never_complete(stack):
    deploy(2)
    key = planned(stack, ELEMENTS)
    expire(stack, key, 1)
    stack.memory.table.put(create(stack.task(key), Range(1, 1, 3), 1))

    task = stack.run(key)

    said = "its chunks overlap, so that sub-tasks were counted twice; create the task anew"
    assert (task.status, task.error) == (TaskStatus.FAILED, {"type": "PayloadMissing", "message": said})


def test_a_plan_that_died_half_way_before_a_deployment_has_cut_for_the_next_one(stack, monkeypatch):
    # GIVEN a plan that dies after its second chunk
    deploy(2)
    key = create_list(stack, ELEMENTS)
    stack.relay_one()
    put = stack.memory.table.put

    def dies(write):
        if write.sk > chunk_sk(1):
            raise ConnectionError
        return put(write)

    with monkeypatch.context() as patched:
        patched.setattr(stack.memory.table, "put", dies)
        stack._executions()[0].step()
    assert [number for number, *_ in ranges(stack, key)] == [0, 1]

    # WHEN the next one has another chunk size
    deploy(3)
    stack.run(key)

    # THEN it goes on with the first one's
    assert ranges(stack, key) == [(0, 0, 2), (1, 2, 2), (2, 4, 2), (3, 6, 2)]
