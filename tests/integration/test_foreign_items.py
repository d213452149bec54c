"""Foreign items in the table, even in our indexes: no list and no page stumbles over them."""

import logging
from collections.abc import Iterator

import pytest
from serverless_tasks import TaskKey, TaskKind, TaskQuery, TaskStatus
from serverless_tasks.core.dynamodb.attribute_values import Item, encode_item
from serverless_tasks.testing import MemoryStack

from tests.support.clients import driver_client
from tests.support.moto_stack import MotoStack
from tests.support.stacks import Stack

QUERIES = [
    TaskQuery("mbc"),
    TaskQuery("mbc", kind=TaskKind.TASK, task_type="cat"),
    TaskQuery("mbc", status=TaskStatus.FAILED),
]


@pytest.fixture(params=["memory", "moto"])
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    if request.param == "memory":
        yield MemoryStack()
    else:
        with MotoStack() as moto_stack:
            yield moto_stack


def put(stack: Stack, item: Item) -> None:
    if isinstance(stack, MemoryStack):
        stack.memory.table.items[item["pk"], item["sk"]] = item
    elif isinstance(stack, MotoStack):
        driver_client("dynamodb").put_item(TableName=stack.cloud("ApiFunction").table.name, Item=encode_item(item))


def foreign(code: str) -> Iterator[Item]:
    """Six items around a code, in every index that a list reads."""
    indexed = {"tenantCode": "mbc", "code": code, "attention": "FAILED#mbc", "dueAt": "2026-01-01T00:00:00.000Z"}
    for number in range(3):
        yield {"pk": f"FOREIGN#{number}", "sk": code, **indexed}
        yield {"pk": "TASK#mbc", "sk": f"cat#{code.lower()}{number}", **indexed}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_list_goes_on_over_foreign_items(stack: Stack, query: TaskQuery, limit: int) -> None:
    # GIVEN tasks with foreign items before, between and behind them
    wanted = []
    for number in range(4):
        stack.clock.advance(1)
        key = stack.service.create_task("mbc", "cat", number).key
        stack.service.update_status(key, TaskStatus.FAILED)
        wanted.insert(0, key)
        if number != 2:
            for item in foreign(key.code):
                put(stack, item)

    # WHEN they are listed page by page
    page, found = stack.service.list_tasks(query, limit), []
    for _ in range(20):
        assert len(page.items) <= limit
        found += [task.key for task in page.items]
        if page.cursor is None:
            break
        page = stack.service.list_tasks(query, limit, page.cursor)

    # THEN the list has the tasks, each once, and ends
    assert found == wanted
    assert page.cursor is None


@pytest.mark.parametrize("kind", TaskKind)
def test_an_item_that_only_looks_like_a_task_is_none(
    stack: Stack, kind: TaskKind, caplog: pytest.LogCaptureFixture
) -> None:
    # GIVEN an item at the key of a task, in a list among tasks
    task = stack.service.create_task("mbc", "cat", 1)
    code = task.code[:-1] + next(letter for letter in "01" if letter != task.code[-1])
    key = TaskKey.of(kind, "mbc", "cat", code)
    put(stack, {"pk": key.pk, "sk": key.sk, "kind": kind, "status": "DANCING", "tenantCode": "mbc", "code": code})

    # WHEN it is asked for
    with caplog.at_level(logging.WARNING):
        found = stack.service.find_task("mbc", "cat", code)
        listed = stack.service.list_tasks(TaskQuery("mbc")).items

    # THEN it is not there, and the log says why
    assert found is None
    assert [one.key for one in listed] == [task.key]
    assert caplog.text.count(f"ignored a foreign item, {key.pk} {key.sk}") == 2
