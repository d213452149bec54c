"""Tasks as programs outside see them."""

import pytest
from serverless_tasks.core.task.entity import SubTaskEntity
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task.views import attributes_view, sub_task_view, task_summary, task_view

from tests.support.examples import AT, CODE, CREATED_ENTRY, a_fan_out, a_task

REFERENCE = {"key": "k", "bytes": 5000, "etag": '"e"'}
ERROR = {"type": "ValueError", "message": "no food"}
TASK = a_task(
    TaskStatus.COMPLETED,
    input_text="[1]",
    attempt=1,
    attempt_started_at=AT,
    dispatched_at=AT,
    lease_until=AT,
    done_chunks=frozenset({1}),
    change="data",
    attributes={
        "result": '{"fed":true}',
        "error": '{"type":"ValueError","message":"no food"}',
        "progress": 1,
        "checkpoint": "{}",
        "checkpointRef": REFERENCE,
    },
)
SHOWN = {
    "id": f"TASK#mbc#cat#{CODE}",
    "pk": "TASK#mbc",
    "sk": f"cat#{CODE}",
    "kind": "TASK",
    "code": CODE,
    "type": "cat",
    "name": "Feed the cats",
    "tenantCode": "mbc",
    "status": "COMPLETED",
    "version": 4,
    "attempt": 1,
    "run": 0,
    "leaseUntil": AT,
    "createdAt": CREATED_ENTRY["at"],
    "updatedAt": CREATED_ENTRY["at"],
}


def test_task_is_shown_without_input_and_machinery():
    attributes = {"result": {"fed": True}, "error": ERROR, "progress": 1}
    assert task_view(TASK) == {**SHOWN, "history": [CREATED_ENTRY], "attributes": attributes}


def test_input_reference_is_not_shown():
    assert "inputRef" not in task_view(a_task(input_ref=REFERENCE))


def test_task_in_a_list_has_no_result_and_no_history():
    assert task_summary(TASK) == {**SHOWN, "attributes": {"error": ERROR, "progress": 1}}
    assert task_summary(a_task(attributes={"resultRef": REFERENCE}))["attributes"] == {}


def test_large_result_stands_as_its_reference():
    assert task_view(a_task(attributes={"resultRef": REFERENCE}))["attributes"] == {"resultRef": REFERENCE}


def test_attributes_of_a_fresh_task_are_empty():
    assert attributes_view(a_task()) == {}
    assert attributes_view(a_fan_out()) == {}


COUNTS = {"subTaskCount": 8, "subTaskSucceedCount": 1, "subTaskFailedCount": 1}


@pytest.mark.parametrize(("status", "running"), [(TaskStatus.PROCESSING, 6), (TaskStatus.FINISHED, 0)])
def test_progress_and_running_count_of_a_fan_out_are_computed(status, running):
    view = attributes_view(a_fan_out(status, attributes=COUNTS))
    assert view == {**COUNTS, "progress": 0.25, "subTaskRunningCount": running}


def test_task_has_no_running_count():
    assert attributes_view(a_task(TaskStatus.PROCESSING, attributes=COUNTS)) == COUNTS


def test_task_is_left_as_it_was():
    before = dict(TASK.attributes)
    task_summary(TASK)
    assert TASK.attributes == before


def sub_task(**changes):
    return SubTaskEntity(pk="SFN_TASK#mbc", sk=f"cat#{CODE}#7", index=7, status=TaskStatus.CREATED, **changes)


def test_fresh_sub_task_is_shown_with_its_input_even_if_that_is_null():
    assert sub_task_view(sub_task()) == {
        "pk": "SFN_TASK#mbc",
        "sk": f"cat#{CODE}#7",
        "index": 7,
        "status": "CREATED",
        "attempt": 0,
        "input": None,
        "attributes": {},
    }


def test_ended_sub_task_is_shown_with_its_times():
    view = sub_task_view(
        sub_task(attempt=2, input={"key": 1}, attributes={"result": None}, started_at=AT, finished_at=AT)
    )
    assert (view["attempt"], view["input"], view["attributes"]) == (2, {"key": 1}, {"result": None})
    assert (view["startedAt"], view["finishedAt"]) == (AT, AT)
