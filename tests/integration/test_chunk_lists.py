"""Lists of chunks, in memory and with the real adapters: where each one is, through retries and the task's end."""

from collections.abc import Iterator

import pytest
from serverless_tasks import Backoff, ChunkSummary, InvalidInput, Page, TaskEntity, TaskKey, TaskNotFound, TaskType
from serverless_tasks.core.times import from_iso
from serverless_tasks.service.pages import encode_cursor
from serverless_tasks.testing import MemoryStack, registered

from tests.support.moto_stack import MotoStack
from tests.support.stacks import Stack

CHUNKS = 5


@pytest.fixture(params=["memory", "moto"], scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with registered():
        if request.param == "memory":
            yield MemoryStack()
        else:
            with MotoStack() as stack:
                yield stack


@pytest.fixture(scope="module")
def task(stack: Stack) -> TaskEntity:
    """One that has ended, and that no test changes."""
    return failed_once(stack, "cat")


def failed_once(stack: Stack, name: str) -> TaskEntity:
    """Five chunks of two, the third of which has a sub-task that fails in the first run; results outgrow no item."""
    kind = TaskType(name, chunk_size=2, max_attempts=1)

    @kind.sub_task
    def handle(event, context):
        stack.clock.advance(1)
        if event.index == 5 and context.run == 0:
            raise ValueError("bad")
        return "r" * 1500

    return stack.run(stack.service.create_step_function_task("mbc", name, list(range(2 * CHUNKS))).key)


def pages(stack: Stack, task: TaskEntity, limit: int) -> list[Page[ChunkSummary]]:
    found = [stack.service.list_chunks(task, limit)]
    while found[-1].cursor:
        found.append(stack.service.list_chunks(task, limit, found[-1].cursor))
    return found


def test_chunks_say_what_became_of_them_and_when(stack: Stack, task: TaskEntity):
    [page] = pages(stack, task, 1000)
    assert [(c.number, c.first, c.count, str(c.status), c.attempt) for c in page.items] == [
        (number, 2 * number, 2, "FAILED" if number == 2 else "COMPLETED", 1) for number in range(CHUNKS)
    ]
    assert [(c.succeeded, c.failed) for c in page.items] == [(2, 0), (2, 0), (1, 1), (2, 0), (2, 0)]
    for chunk in page.items:
        assert chunk.started_at
        assert chunk.finished_at
        assert (from_iso(chunk.finished_at) - from_iso(chunk.started_at)).total_seconds() == 2


def test_a_retry_begins_what_failed_anew(stack: Stack):
    task = failed_once(stack, "dog")
    first = stack.service.list_chunks(task).items
    retried = stack.service.retry_task(task.key)
    waiting = stack.service.list_chunks(retried).items
    assert [str(chunk.status) for chunk in waiting] == ["COMPLETED"] * 2 + ["CREATED"] + ["COMPLETED"] * 2
    assert (waiting[2].succeeded, waiting[2].failed, waiting[2].started_at, waiting[2].finished_at) == (
        1,
        0,
        None,
        None,
    )
    done = stack.service.list_chunks(stack.run(task.key)).items
    assert [chunk for chunk in done if chunk.number != 2] == [chunk for chunk in first if chunk.number != 2]
    assert (str(done[2].status), done[2].attempt, done[2].succeeded, done[2].failed) == ("COMPLETED", 2, 2, 0)
    assert done[2].started_at
    assert first[2].finished_at
    assert done[2].started_at >= first[2].finished_at


def test_in_a_later_round_a_chunk_keeps_the_time_of_its_first_claim(stack: Stack):
    # GIVEN a sub-task whose second attempt is due after a pause that no worker waits for
    slow = TaskType("slow", max_attempts=2, backoff=Backoff(base=3600, factor=1, cap=3600))
    began = []

    @slow.sub_task
    def handle(event, context):
        began.append(stack.clock())
        if context.attempt == 1:
            raise ValueError("not yet")

    ended = stack.run(stack.service.create_step_function_task("mbc", "slow", [1]).key)
    [chunk] = stack.service.list_chunks(ended).items
    assert (str(chunk.status), chunk.attempt) == ("COMPLETED", 2)
    assert from_iso(str(chunk.started_at)) == began[0] < began[1]


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (4, [4, 1]), (5, [5]), (6, [5])])
def test_pages_have_every_chunk_once_and_end_without_an_empty_one(stack: Stack, task: TaskEntity, limit, sizes):
    found = pages(stack, task, limit)
    assert [len(page.items) for page in found] == sizes
    assert [chunk.number for page in found for chunk in page.items] == list(range(CHUNKS))


def test_a_page_of_dynamodb_that_ends_early_is_no_page_of_ours(stack: Stack, task: TaskEntity, monkeypatch):
    # GIVEN a table that ends its pages after two, as DynamoDB does at 1 MB
    table = stack.service._cloud.table
    whole = table.page
    limits: list[int] = []

    def short(condition, values, **options):
        limits.append(options["Limit"])
        return whole(condition, values, **options | {"Limit": min(options["Limit"], 2)})

    monkeypatch.setattr(table, "page", short)
    page = stack.service.list_chunks(task, 4)
    assert ([chunk.number for chunk in page.items], limits) == ([0, 1, 2, 3], [4, 2])
    assert [chunk.number for chunk in stack.service.list_chunks(task, 4, page.cursor).items] == [4]


def test_outcomes_are_not_sent(stack: Stack, task: TaskEntity, monkeypatch):
    table = stack.service._cloud.table
    seen = []
    whole = table.page
    monkeypatch.setattr(table, "page", lambda *args, **options: seen.append(whole(*args, **options)) or seen[-1])
    stack.service.list_chunks(task)
    names = {name for items, _ in seen for item in items for name in item}
    assert names >= {"number", "startedAt", "finishedAt"}
    assert not names & {"outcomes", "outcomesRef", "kind", "expiresAt"}


def test_there_are_none_without_a_cut(stack: Stack):
    single = stack.service.create_task("mbc", "cat", 1)
    fresh = stack.service.create_step_function_task("mbc", "cat", [1])
    empty = stack.run(stack.service.create_step_function_task("mbc", "cat", []).key)
    for found in (single, fresh, empty):
        assert stack.service.list_chunks(found.key) == Page([], None)


def test_a_task_that_is_missing_is_an_error(stack: Stack):
    with pytest.raises(TaskNotFound):
        stack.service.list_chunks(TaskKey("SFN_TASK#mbc", "cat#01KAFSV4XG4DXWKE1B8G6F0J2T"))


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_has_limits(stack: Stack, task: TaskEntity, limit):
    with pytest.raises(InvalidInput, match="limit: must be 1 to 1000"):
        stack.service.list_chunks(task, limit)


def test_a_cursor_is_good_for_its_task_only(stack: Stack, task: TaskEntity):
    cursor = stack.service.list_chunks(task, 2).cursor
    other = stack.service.create_step_function_task("mbc", "cat", [1])
    with pytest.raises(InvalidInput, match="cursor"):
        stack.service.list_chunks(other, 2, cursor)
    with pytest.raises(InvalidInput, match="cursor"):
        stack.service.list_sub_tasks(task, cursor=cursor)


@pytest.mark.parametrize("position", [[], [0], [-1], [1000], ["1"], [1.5], [None], [1, 2], [10**4000]])
def test_a_position_that_there_cannot_be_is_refused(stack: Stack, task: TaskEntity, position):
    with pytest.raises(InvalidInput, match="cursor"):
        stack.service.list_chunks(task, 2, encode_cursor(["chunks", "mbc", task.id], position))
