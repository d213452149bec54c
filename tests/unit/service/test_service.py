"""The task service, over the stack in memory."""

import json

import pytest
from serverless_tasks import (
    Caller,
    InvalidInput,
    LostRace,
    PayloadInBucket,
    TaskKey,
    TaskNotFound,
    TaskService,
    TaskStatus,
    TaskType,
    TransitionRefused,
)
from serverless_tasks.core.inputs.json_text import escaped_size, size
from serverless_tasks.service import sub_tasks
from serverless_tasks.testing import MemoryStack

from tests.support.tasks import planned, relay_all

S = TaskStatus


def test_a_new_task_is_what_was_asked_for(stack):
    task = stack.service.create_task("mbc", "cat", {"key": "v"}, "Feeding", Caller("alice", "192.0.2.1", "request-1"))

    assert stack.service.get_task(task.key) == task
    assert (task.pk, task.sk, task.id) == ("TASK#mbc", f"cat#{task.code}", f"TASK#mbc#cat#{task.code}")
    assert (task.name, task.status, task.version, task.run, task.attempt) == ("Feeding", S.CREATED, 0, 0, 0)
    assert (task.created_by, task.updated_by, task.created_ip, task.request_id) == (
        "alice",
        "alice",
        "192.0.2.1",
        "request-1",
    )
    assert task.history == ({"status": "CREATED", "at": "2026-01-01T00:00:00.000Z", "attempt": 0, "by": "alice"},)
    assert (task.due_at, task.attention[:5], task.change) == ("2026-01-01T00:05:00.000Z", "OPEN#", "status")
    assert task.expires_at is None


def test_the_name_is_the_type_by_default(stack):
    assert stack.service.create_task("mbc", "cat", None).name == "cat"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("", "cat", 1), "tenantCode"),
        (("a#b", "cat", 1), "tenantCode"),
        (("mbc", "-cat", 1), "taskType"),
        (("mbc", "c" * 65, 1), "taskType"),
        (("mbc", "cat", {1}), "input"),
        (("mbc", "cat", 1, ""), "name"),
        (("mbc", "cat", 1, "n" * 257), "name"),
        (("mbc", "cat", 1, "a\nb"), "name"),
        (("mbc", "cat", 1, "\ud800"), "name"),
    ],
)
def test_a_bad_task_is_refused_by_field(stack, arguments, field):
    with pytest.raises(InvalidInput) as caught:
        stack.service.create_task(*arguments)
    assert caught.value.field == field
    assert stack.memory.table.items == {}


@pytest.mark.parametrize("value", [{"a": 1}, "text", None, 3])
def test_the_input_of_a_step_functions_task_is_a_list(stack, value):
    with pytest.raises(InvalidInput, match="input: must be a list"):
        stack.service.create_step_function_task("mbc", "cat", value)


@pytest.mark.parametrize("elements", [[], [1, "a", None], ["x" * 5000, "\u2028"]])
def test_an_input_comes_back_wherever_it_is(stack, elements):
    task = stack.service.create_step_function_task("mbc", "cat", elements)

    assert stack.service.load_input(task) == elements
    assert (task.input_ref is None) == (len(str(elements)) < 4096)


def test_a_payload_in_the_bucket_is_not_read_by_accident(stack):
    task = stack.service.create_task("mbc", "cat", "x" * 5000)

    with pytest.raises(PayloadInBucket, match="load_input"):
        _ = task.input
    assert stack.service.load_input(task) == "x" * 5000


def test_a_task_is_found_by_type_and_code_of_either_kind(stack):
    single = stack.service.create_task("mbc", "cat", 1)
    many = stack.service.create_step_function_task("mbc", "cat", [1])

    assert stack.service.find_task("mbc", "cat", single.code) == single
    assert stack.service.find_task("mbc", "cat", many.code) == many
    assert stack.service.find_task("acme", "cat", many.code) is None


def test_cancel_and_retry_of_a_single_task(stack):
    TaskType("cat").task(lambda event, context: context.run)
    key = stack.service.create_task("mbc", "cat", 1).key

    cancelled = stack.service.cancel_task(key, by="alice")
    assert (cancelled.status, cancelled.attention, cancelled.updated_by) == (S.CANCELLED, None, "alice")
    assert cancelled.expires_at is not None
    with pytest.raises(TransitionRefused, match="CANCELLED"):
        stack.service.cancel_task(key)

    retried = stack.service.retry_task(key, by="bob")
    assert (retried.status, retried.run, retried.attempt, retried.expires_at) == (S.CREATED, 1, 0, None)
    assert retried.due_at is not None
    with pytest.raises(TransitionRefused, match="CREATED"):
        stack.service.retry_task(key)

    done = stack.run(key)
    assert done.result == 1
    with pytest.raises(TransitionRefused, match="COMPLETED"):
        stack.service.retry_task(key)


@pytest.mark.parametrize("act", ["cancel_task", "retry_task", "list_sub_tasks"])
def test_a_missing_task_is_not_found(stack, act):
    with pytest.raises(TaskNotFound):
        getattr(stack.service, act)(TaskKey("TASK#mbc", "cat#missing"))


def test_a_cancel_that_loses_a_race_is_decided_anew(stack, before_next_write):
    key = stack.service.create_task("mbc", "cat", 1).key
    before_next_write(stack.relay_one)

    assert stack.service.cancel_task(key).status is S.CANCELLED
    assert stack.task(key).version == 2


def test_a_cancel_that_always_loses_says_so(stack, monkeypatch):
    key = stack.service.create_task("mbc", "cat", 1).key

    def lose(change):
        raise LostRace("always")

    monkeypatch.setattr(stack.memory.table, "update", lose)
    with pytest.raises(LostRace, match="ask again"):
        stack.service.cancel_task(key)


def test_update_status_moves_a_task_as_the_rules_allow(stack):
    key = stack.service.create_task("mbc", "cat", 1).key

    assert stack.service.update_status(key, S.PROCESSING, {"progress": 0.5}).progress == 0.5
    done = stack.service.update_status(key, S.COMPLETED, {"result": [1]})
    assert (done.result, done.attention, done.version) == ([1], None, 2)
    with pytest.raises(TransitionRefused, match="COMPLETED cannot become PROCESSING"):
        stack.service.update_status(key, S.PROCESSING)


@pytest.mark.parametrize("error", [{"type": "Odd", "message": "m"}, "m"])
def test_update_status_to_failed_keeps_the_error(stack, error):
    key = stack.service.create_task("mbc", "cat", 1).key

    failed = stack.service.update_status(key, S.FAILED, {"error": error})

    assert failed.error["message"] == "m"
    assert failed.attention == "FAILED#mbc"
    assert stack.service.update_status(key, S.CREATED).run == 1


def test_update_status_refuses_other_attributes(stack):
    key = stack.service.create_task("mbc", "cat", 1).key

    with pytest.raises(InvalidInput, match="attributes: may hold result, error and progress, not colour"):
        stack.service.update_status(key, S.PROCESSING, {"colour": 1})


def cut_in_twos(stack: MemoryStack, count: int) -> TaskKey:
    TaskType("cat", chunk_size=2).sub_task(lambda event, context: "by the handler")
    return planned(stack, list(range(count)))


def test_a_sub_task_can_be_given_its_outcome(stack):
    key = cut_in_twos(stack, 4)

    done = stack.service.update_sub_task_status(key.sub_task(3), S.COMPLETED, {"result": "by hand"})
    assert (done.status, done.attributes, done.index) == (S.COMPLETED, {"result": "by hand"}, 3)
    with pytest.raises(TransitionRefused, match="has ended already"):
        stack.service.update_sub_task_status(key.sub_task(3), S.FAILED)
    stack.service.update_sub_task_status(key.sub_task(2), S.FAILED, {"error": "by hand"})
    assert stack.task(key).attributes["subTaskFailedCount"] == 1
    with pytest.raises(TransitionRefused, match="has ended, or"):
        stack.service.update_sub_task_status(key.sub_task(2), S.COMPLETED)

    task = stack.run(key)
    results = [s.attributes.get("result") for s in stack.service.list_sub_tasks(key).items]
    assert results == ["by the handler", "by the handler", None, "by hand"]
    assert task.status is S.FAILED


def test_a_sub_task_outcome_is_refused_where_it_cannot_be(stack):
    key = cut_in_twos(stack, 4)

    with pytest.raises(TransitionRefused, match="cannot become PROCESSING"):
        stack.service.update_sub_task_status(key.sub_task(0), S.PROCESSING)
    with pytest.raises(TaskNotFound):
        stack.service.update_sub_task_status(key.sub_task(4), S.COMPLETED)
    with pytest.raises(TaskNotFound):
        stack.service.update_sub_task_status(key, S.COMPLETED)
    stack.service.cancel_task(key)
    with pytest.raises(TransitionRefused, match="is CANCELLED"):
        stack.service.update_sub_task_status(key.sub_task(0), S.COMPLETED)


def test_an_outcome_that_is_not_json_leaves_no_chunk_claimed(stack):
    key = cut_in_twos(stack, 2)

    with pytest.raises(InvalidInput, match="result"):
        stack.service.update_sub_task_status(key.sub_task(0), S.COMPLETED, {"result": {1}})

    stack.service.update_sub_task_status(key.sub_task(0), S.COMPLETED, {"result": 1})


def test_an_outcome_stands_though_the_task_is_cancelled_meanwhile(stack, before_writes):
    key = cut_in_twos(stack, 1)
    before_writes(lambda change: change.add_to_set and stack.service.cancel_task(key))
    stack.service.update_sub_task_status(key.sub_task(0), S.COMPLETED)

    assert [s.status for s in stack.service.list_sub_tasks(key).items] == [S.COMPLETED]


def test_sub_tasks_are_counted(stack):
    key = cut_in_twos(stack, 4)
    stack.service.update_sub_task_status(key.sub_task(0), S.COMPLETED)
    stack.service.update_sub_task_status(key.sub_task(1), S.FAILED)

    counts = TaskService.format_task_status(stack.service.list_sub_tasks(key).items)

    assert [v for name, v in counts.items() if name != "subTasks"] == [4, 1, 1, 2]
    assert counts["subTasks"][1] == {"pk": key.pk, "sk": f"{key.sk}#1", "status": S.FAILED}


def test_sub_tasks_are_listed_in_pages_and_by_status(stack):
    key = cut_in_twos(stack, 5)
    stack.service.update_sub_task_status(key.sub_task(3), S.FAILED)

    pages, cursor = [], None
    while not pages or cursor:
        page = stack.service.list_sub_tasks(key, limit=2, cursor=cursor)
        pages.append([s.index for s in page.items])
        cursor = page.cursor
    assert pages == [[0, 1], [2, 3], [4]]
    assert [s.index for s in stack.service.list_sub_tasks(key, S.FAILED).items] == [3]
    assert [s.index for s in stack.service.list_sub_tasks(key, S.CREATED).items] == [0, 1, 2, 4]

    first = stack.service.list_sub_tasks(key, limit=2).cursor
    for wrong in (first + "x", "x", "", "W10", stack.service.list_sub_tasks(key, S.CREATED, limit=1).cursor):
        with pytest.raises(InvalidInput, match="cursor"):
            stack.service.list_sub_tasks(key, limit=2, cursor=wrong)


def test_a_page_of_large_sub_tasks_ends_early(stack):
    TaskType("cat").sub_task(lambda event, context: None)
    key = stack.service.create_step_function_task("mbc", "cat", ["x" * 1_000_000] * 4).key
    stack.run(key)

    page = stack.service.list_sub_tasks(key)

    assert [s.index for s in page.items] == [0, 1]
    assert [s.index for s in stack.service.list_sub_tasks(key, cursor=page.cursor).items] == [2, 3]


@pytest.mark.parametrize(("measure", "first"), [(size, 4), (escaped_size, 1)])
def test_a_page_ends_early_where_the_runtime_escapes_what_is_not_ascii(stack, monkeypatch, measure, first):
    """That of Python 3.11 does, and so a character of two bytes takes six of the 6 MB that it answers at most."""
    monkeypatch.setattr(sub_tasks, "ANSWERED_SIZE", measure)
    TaskType("cat").sub_task(lambda event, context: None)
    key = stack.service.create_step_function_task("mbc", "cat", ["ж" * 250_000] * 6).key
    stack.run(key)

    page = stack.service.list_sub_tasks(key)

    assert len(page.items) == first
    body = json.dumps([item.input for item in page.items], ensure_ascii=False)
    answered = json.dumps({"body": body}, ensure_ascii=measure is escaped_size)
    assert len(answered.encode()) < 6_000_000


def test_the_sub_tasks_of_a_single_task_are_none(stack):
    assert stack.service.list_sub_tasks(stack.service.create_task("mbc", "cat", 1).key).items == []


def test_an_alarm_can_be_published(stack):
    task = stack.service.create_task("mbc", "cat", 1)

    stack.service.publish_alarm(task, "look here")

    assert stack.memory.topics.alarms[0]["content"] == {"errorMessage": "look here"}


def test_what_drives_a_task_itself_holds_it(stack):
    ran = []
    TaskType("cat").task(lambda event, context: ran.append(context.attempt))
    key = stack.service.create_task("mbc", "cat", 1).key
    stack.service.update_status(key, S.PROCESSING)

    for _ in range(20):
        stack.step()
    assert ran == []
    assert stack.run(key).attempt == 2  # it never came back, so that a worker took it over
    assert ran == [2]


@pytest.mark.parametrize("progress", [float("nan"), "half"])
def test_update_status_takes_no_odd_progress(stack, progress):
    key = stack.service.create_task("mbc", "cat", 1).key

    with pytest.raises(InvalidInput, match="progress: must be a number from 0 to 1"):
        stack.service.update_status(key, S.PROCESSING, {"progress": progress})


def test_a_sub_task_can_be_given_its_outcome_in_a_later_run(stack):
    key = cut_in_twos(stack, 2)
    stack.service.cancel_task(key)
    stack.service.retry_task(key)
    relay_all(stack)
    stack._executions()[-1].step()

    done = stack.service.update_sub_task_status(key.sub_task(1), S.COMPLETED, {"result": "by hand"})

    assert done.status is S.COMPLETED
    stack.run(key)
    results = [s.attributes.get("result") for s in stack.service.list_sub_tasks(key).items]
    assert results == ["by the handler", "by hand"]


def test_an_outcome_from_outside_has_a_limit(stack):
    key = cut_in_twos(stack, 2)

    with pytest.raises(InvalidInput, match="result: has 262147 bytes, 262144 are allowed"):
        stack.service.update_sub_task_status(key.sub_task(0), S.COMPLETED, {"result": "x" * 262_145})
