"""What a page of sub-tasks reads: only chunks that have something to show, and never without end."""

import pytest
from serverless_tasks import TaskEntity, TaskStatus, TaskType
from serverless_tasks.service import sub_tasks
from serverless_tasks.testing import MemoryStack

from tests.support.tasks import relay_all

COMPLETED, FAILED, CREATED = TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CREATED
OUTCOMES = "outcomes"


@pytest.fixture
def reads(stack: MemoryStack, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is read of the bucket: outcomes, or the input from which byte on."""
    seen: list[object] = []
    store = stack.memory.payloads
    lines, blocks = store.lines, store.blocks
    monkeypatch.setattr(store, "lines", lambda reference: seen.append(OUTCOMES) or lines(reference))
    monkeypatch.setattr(store, "blocks", lambda reference, *place: seen.extend(place[:1]) or blocks(reference, *place))
    return seen


def ran(stack: MemoryStack, bad: set[int], result: str = "r" * 2000) -> TaskEntity:
    """A task of four chunks of three, 6 bytes each, in the first run of which the ``bad`` ones fail."""
    cat = TaskType("cat", max_attempts=1, chunk_size=3, tolerated_failures=1)

    @cat.sub_task
    def handle(event, context):
        if event.index in bad and context.run == 0:
            raise ValueError("bad")
        return result

    upload = stack.service.create_upload("mbc")
    stack.upload(upload, b"1\n" * 12)
    return stack.run(stack.service.create_step_function_task("mbc", "cat", input_ref=upload.input_ref).key)


def indexes(page) -> list[int]:
    return [sub_task.index for sub_task in page.items]


def every_page(stack: MemoryStack, task: TaskEntity, status: TaskStatus | None, limit: int = 100) -> list[list[int]]:
    page = stack.service.list_sub_tasks(task.key, status, limit=limit)
    found = [indexes(page)]
    while page.cursor:
        page = stack.service.list_sub_tasks(task.key, status, limit=limit, cursor=page.cursor)
        found.append(indexes(page))
    return found


@pytest.mark.parametrize(
    ("bad", "status", "found", "read"),
    [
        (set(), FAILED, [], []),
        (set(), CREATED, [], []),
        ({4}, FAILED, [4], [OUTCOMES, 6]),
        ({3, 4, 5}, COMPLETED, [0, 1, 2, 6, 7, 8, 9, 10, 11], [OUTCOMES, 0, OUTCOMES, 12, OUTCOMES, 18]),
        ({0, 11}, FAILED, [0, 11], [OUTCOMES, 0, OUTCOMES, 18]),
    ],
)
def test_a_filter_reads_only_chunks_that_have_what_it_looks_for(stack, reads, bad, status, found, read):
    task = ran(stack, bad)
    reads.clear()

    assert every_page(stack, task, status) == [found]
    assert reads == read  # the outcomes of three that failed are in their item


def test_the_input_is_read_only_for_what_is_shown(stack, reads):
    task = ran(stack, {6})
    reads.clear()

    # position 7 is behind the only one of its chunk that failed
    cursor = sub_tasks.encode_cursor(["mbc", task.id, FAILED], [2, 7])
    assert indexes(stack.service.list_sub_tasks(task.key, FAILED, cursor=cursor)) == []
    assert reads == [OUTCOMES]


def test_a_full_page_reads_nothing_of_the_next_chunk(stack, reads):
    task = ran(stack, set())
    reads.clear()

    page = stack.service.list_sub_tasks(task.key, limit=3)

    assert (indexes(page), reads) == ([0, 1, 2], [OUTCOMES, 0])
    assert indexes(stack.service.list_sub_tasks(task.key, limit=3, cursor=page.cursor)) == [3, 4, 5]
    assert every_page(stack, task, None, 3) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]


@pytest.mark.parametrize("status", [None, COMPLETED])
def test_a_page_ends_by_what_it_has_read(stack, reads, monkeypatch, status):
    task = ran(stack, set())
    [size] = {chunk.outcomes_ref["bytes"] for chunk in stack.memory.table.chunks("mbc", task.code) if chunk.number < 3}

    monkeypatch.setattr(sub_tasks, "READ_BYTES", size + 6)
    assert every_page(stack, task, status) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    monkeypatch.setattr(sub_tasks, "READ_BYTES", size + 7)
    assert every_page(stack, task, status) == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_a_page_ends_after_so_many_chunks_whatever_they_hold(stack, monkeypatch):
    task = ran(stack, {0, 4, 10}, "small")
    monkeypatch.setattr(sub_tasks, "PAGE_CHUNKS", 2)

    assert every_page(stack, task, FAILED) == [[0, 4], [10]]
    assert every_page(stack, task, FAILED, 1) == [[0], [4], [10]]
    assert every_page(stack, task, CREATED) == [[], []]
    assert every_page(stack, task, None) == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


@pytest.mark.parametrize("result", ["small", "r" * 2000])
def test_a_filter_shows_what_a_list_of_all_shows_at_any_time(stack, result):
    task = ran(stack, {0, 4, 10}, result)
    seen = set()

    def check():
        every = stack.service.list_sub_tasks(task.key).items
        for status in TaskStatus:
            expected = [sub_task.index for sub_task in every if sub_task.status is status]
            assert every_page(stack, task, status) == [expected]
            seen.update({status} if expected else ())

    check()
    stack.service.retry_task(task.key)
    check()  # what failed is open again, while its chunks are as the run before left them
    while stack.step():
        check()
    assert seen == {COMPLETED, FAILED, CREATED}


def test_what_a_cancel_left_is_found_as_cancelled(stack):
    TaskType("cat", chunk_size=2).sub_task(lambda event, context: None)
    key = stack.service.create_step_function_task("mbc", "cat", [1, 2, 3]).key
    relay_all(stack)
    stack._executions()[0].step()
    stack.service.update_sub_task_status(key.sub_task(2), COMPLETED)
    stack.service.cancel_task(key)

    assert indexes(stack.service.list_sub_tasks(key, TaskStatus.CANCELLED)) == [0, 1]
    assert indexes(stack.service.list_sub_tasks(key, COMPLETED)) == [2]
    assert indexes(stack.service.list_sub_tasks(key, CREATED)) == []


def test_no_more_of_a_range_is_decoded_than_is_shown(stack, monkeypatch):
    task = ran(stack, set(), "small")
    asked = []
    load = sub_tasks.elements

    def counted(payloads, task, place):
        found = load(payloads, task, place)
        asked.append((place.first, len(found)))
        return found

    monkeypatch.setattr(sub_tasks, "elements", counted)
    stack.service.list_sub_tasks(task.key, limit=1)

    assert asked == [(0, 2)]  # the second one says that there is a next page
