"""Lists of tasks, on each way that the table is read, in memory and with the real adapters."""

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from serverless_tasks import InvalidInput, Page, TaskEntity, TaskKey, TaskKind, TaskQuery, TaskStatus
from serverless_tasks.service.pages import encode_cursor
from serverless_tasks.testing import MemoryStack

from tests.support.moto_stack import MotoStack
from tests.support.stacks import Stack

S = TaskStatus
TASKS = 14
QUERIES: dict[str, dict[str, Any]] = {
    "by_tenant": {},
    "by_tenant, kind": {"kind": TaskKind.TASK},
    "by_tenant, type": {"task_type": "cat"},
    "by_tenant, status": {"status": S.CANCELLED},
    "by_tenant, type and status": {"task_type": "cat", "status": S.CREATED},
    "keys": {"kind": TaskKind.TASK, "task_type": "cat"},
    "keys, status": {"kind": TaskKind.SFN_TASK, "task_type": "cat", "status": S.CREATED},
    "attention": {"status": S.FAILED},
    "attention, kind": {"status": S.FAILED, "kind": TaskKind.SFN_TASK},
    "attention, kind and type": {"status": S.FAILED, "kind": TaskKind.TASK, "task_type": "cat"},
}


@dataclass(frozen=True)
class Filled:
    """A stack with tasks, newest first."""

    stack: Stack
    tasks: list[TaskEntity]

    def expected(self, wanted: dict[str, Any]) -> list[TaskKey]:
        """What the query lists."""
        return [
            task.key
            for task in self.tasks
            if task.tenant_code == "mbc"
            and wanted.get("kind") in (None, task.kind)
            and wanted.get("task_type") in (None, task.type)
            and wanted.get("status") in (None, task.status)
        ]

    def list(self, query: TaskQuery, limit: int, cursor: str | None = None) -> Page[TaskEntity]:
        return self.stack.service.list_tasks(query, limit, cursor)


@pytest.fixture(params=["memory", "moto"], scope="module")
def filled(request: pytest.FixtureRequest) -> Iterator[Filled]:
    if request.param == "memory":
        yield fill(MemoryStack())
    else:
        with MotoStack() as stack:
            yield fill(stack)


def fill(stack: Stack) -> Filled:
    """Tasks of two kinds and two types of which one begins as the other, some ended, and one of another tenant."""
    keys = []
    for number in range(TASKS):
        stack.clock.advance(1)
        tenant_code, task_type = "mbc" if number else "mbc2", ("cat", "cats")[number % 3 == 2]
        if number % 2:
            key = stack.service.create_task(tenant_code, task_type, number).key
        else:
            key = stack.service.create_step_function_task(tenant_code, task_type, [number]).key
        keys.append(key)
    for number, key in enumerate(keys):
        stack.clock.advance(1)
        if number % 7 in (1, 2, 4):
            stack.service.update_status(key, S.FAILED, {"error": {"type": "Odd", "message": f"{number}"}})
        elif number % 7 == 3:
            stack.service.cancel_task(key)
    return Filled(stack, [stack.task(key) for key in reversed(keys)])


@pytest.mark.parametrize("name", QUERIES)
def test_pages_of_any_size_make_the_whole_list(filled: Filled, name: str) -> None:
    # GIVEN tasks of all sorts
    query = TaskQuery("mbc", **QUERIES[name])
    wanted = filled.expected(QUERIES[name])
    assert wanted

    for limit in (1, 3, TASKS):
        # WHEN the list is read page by page
        pages = [filled.list(query, limit)]
        while pages[-1].cursor:
            pages.append(filled.list(query, limit, pages[-1].cursor))

        # THEN it is whole, in order, and no page is too long
        assert [task.key for page in pages for task in page.items] == wanted
        assert max(len(page.items) for page in pages) <= limit


def test_a_list_shows_what_a_list_needs(filled: Filled) -> None:
    task = filled.list(TaskQuery("mbc", status=S.FAILED), 1).items[0]

    assert (task.status, task.error, task.version) == (S.FAILED, {"type": "Odd", "message": "11"}, 1)


def test_a_list_leaves_out_what_may_be_large(filled: Filled) -> None:
    for task in filled.list(TaskQuery("mbc"), 100).items:
        assert (task.input_text, task.input_ref, task.history) == (None, None, ())


def test_a_filter_that_fits_nothing_gives_short_pages(filled: Filled) -> None:
    # GIVEN more tasks than one request looks at
    query = TaskQuery("mbc", status=S.COMPLETED)

    # WHEN one at a time is asked for
    page = filled.list(query, 1)

    # THEN the page is empty and the list goes on
    assert (page.items, page.cursor is None) == ([], False)
    while page.cursor:
        page = filled.list(query, 1, page.cursor)
        assert page.items == []


def test_a_task_made_meanwhile_disturbs_no_page(filled: Filled) -> None:
    keys = []
    for _ in range(6):
        filled.stack.clock.advance(1)
        keys.append(filled.stack.service.create_task("acme", "cat", 1).key)
    first = filled.list(TaskQuery("acme"), 3)
    filled.stack.clock.advance(1)
    filled.stack.service.create_task("acme", "cat", 1)

    second = filled.list(TaskQuery("acme"), 3, first.cursor)

    assert [task.key for task in (*first.items, *second.items)] == keys[::-1]


GOOD = ["TASK", "cat", "01KDVDNA00CXHZQN0QQPB9C29Q", None]
FAILED = [*GOOD[:3], "2026-01-01T00:00:00.000Z"]
FORGED: list[tuple[str, list[Any]]] = [
    *(("by_tenant", position) for position in ([], GOOD[:3], [*GOOD, 1], FAILED, ["CHUNK", *GOOD[1:]])),
    *(("by_tenant", [*GOOD[:2], code, None]) for code in ("", "x", "01kdvdna00cxhzqn0qqpb9c29q", 7, "0" * 2000)),
    *(("by_tenant", ["TASK", task_type, *GOOD[2:]]) for task_type in ("a#b", "", None, ["cat"], "c" * 65)),
    *(("keys", position) for position in (["SFN_TASK", *GOOD[1:]], ["TASK", "dog", *GOOD[2:]], FAILED)),
    *(("attention", [*GOOD[:3], due_at]) for due_at in (None, "", "later", 7, ["2026-01-01T00:00:00.000Z"])),
]


@pytest.mark.parametrize(("name", "position"), FORGED)
def test_a_forged_cursor_is_refused(filled: Filled, name: str, position: list[Any]) -> None:
    query = TaskQuery("mbc", **QUERIES[name])

    with pytest.raises(InvalidInput, match="cursor"):
        filled.list(query, 5, encode_cursor(query.fingerprint, position))


@pytest.mark.parametrize("name", ["by_tenant", "keys", "attention"])
def test_a_forged_cursor_of_a_right_form_stays_in_its_tenant(filled: Filled, name: str) -> None:
    query = TaskQuery("mbc", **QUERIES[name])
    forged = encode_cursor(query.fingerprint, FAILED if name == "attention" else GOOD)

    assert {task.tenant_code for task in filled.list(query, 100, forged).items} <= {"mbc"}


def test_a_cursor_of_another_query_or_tenant_is_refused(filled: Filled) -> None:
    queries = [TaskQuery("mbc", **wanted) for wanted in QUERIES.values()]
    cursors = [filled.list(query, 1).cursor for query in queries]

    for mine, theirs in itertools.permutations(range(len(queries)), 2):
        if cursor := cursors[mine]:
            with pytest.raises(InvalidInput, match="cursor"):
                filled.list(queries[theirs], 1, cursor)
    with pytest.raises(InvalidInput, match="cursor"):
        filled.list(TaskQuery("mbc2"), 1, cursors[0])


@pytest.mark.parametrize("text", ["%", "x", "W10", base64.b64encode(b"[" * 10_000).decode(), "é", "null", "0" * 9])
def test_what_is_no_cursor_is_refused(filled: Filled, text: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        filled.list(TaskQuery("mbc"), 5, text)


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_an_impossible_page_size_is_refused(filled: Filled, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit: must be 1 to 100"):
        filled.list(TaskQuery("mbc"), limit)
