"""The task as an item and back, and what is computed from it."""

from dataclasses import fields, replace

import pytest
from serverless_tasks.core.dynamodb.attribute_values import decode_item, encode_item
from serverless_tasks.core.errors import PayloadInBucket
from serverless_tasks.core.task.entity import (
    COUNTERS,
    HISTORY_LIMIT,
    SubTaskEntity,
    TaskEntity,
    append_history,
    to_camel,
)
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.usage.amounts import Usage

from tests.support.examples import AT, CODE, CREATED_ENTRY, a_fan_out, a_task

REFERENCE = {"key": "k", "bytes": 5000, "etag": '"e"'}
FULL = a_fan_out(
    TaskStatus.PROCESSING,
    input_text="[1]",
    input_ref=REFERENCE,
    attributes={"subTaskCount": 3, "progress": 0.5},
    attempt=2,
    run=1,
    attempt_started_at=AT,
    lease_until=AT,
    next_attempt_at=AT,
    execution_arn="arn",
    request_id="r",
    created_by="ann",
    updated_by="bob",
    created_ip="10.0.0.1",
    updated_ip="10.0.0.2",
    expires_at=1_800_000_000,
    change="data",
    dispatched_at=AT,
    kept_at=AT,
    done_chunks=frozenset({0, 2}),
    policy={"maxAttempts": 3, "toleratedFailures": "5%", "fanIn": True},
    cut={"maxCount": 2, "maxBytes": 1000},
    usage=Usage(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
)
NAMES = """
    pk sk kind code type name tenantCode status version input inputRef attributes attempt run attemptStartedAt
    leaseUntil nextAttemptAt history executionArn requestId createdAt updatedAt createdBy updatedBy createdIp updatedIp
    expiresAt change attention dueAt dispatchedAt keptAt doneChunks policy cut uW uR uI uM uS uP uG uQ uN
    uE uX
"""
FRESH = """
    pk sk kind code type name tenantCode status version attributes attempt run history createdAt updatedAt change
    attention dueAt id
"""


def test_names_in_the_table_are_those_of_the_design():
    assert list(TaskEntity.attribute_names()) == NAMES.split()
    assert set(FULL.to_item()) == {*NAMES.split(), "id"}


def test_full_task_comes_back_from_the_table():
    assert TaskEntity.from_item(decode_item(encode_item(FULL.to_item()))) == FULL


def test_fresh_task_comes_back_and_its_item_holds_nothing_empty():
    task = a_task()
    item = task.to_item()
    assert TaskEntity.from_item(decode_item(encode_item(item))) == task
    assert set(item) == set(FRESH.split())
    assert (item["id"], item["attributes"], item["history"]) == (f"TASK#mbc#cat#{CODE}", {}, [CREATED_ENTRY])


def test_item_of_a_task_that_ended_long_ago_and_an_unknown_attribute_can_be_read():
    item = a_task().to_item()
    read = TaskEntity.from_item({name: item[name] for name in item if name != "history"} | {"comesLater": 1})
    assert read == a_task(history=())
    assert isinstance(read.kind, TaskKind)
    assert isinstance(read.status, TaskStatus)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"kind": "CHUNK"}, ValueError),
        ({"kind": None}, ValueError),
        ({"status": "LOST"}, ValueError),
        ({"history": 5}, TypeError),
        ({"input": {"a": 1}}, TypeError),
        *(({"attributes": {name: 5}}, TypeError) for name in ("result", "error", "checkpoint")),
    ],
)
def test_item_that_is_no_task_is_refused(change, error):
    with pytest.raises(error):
        TaskEntity.from_item(a_task().to_item() | change)


@pytest.mark.parametrize(("name", "error"), [("kind", KeyError), ("status", KeyError), ("pk", TypeError)])
def test_item_without_what_a_task_needs_is_refused(name, error):
    item = a_task().to_item()
    del item[name]
    with pytest.raises(error):
        TaskEntity.from_item(item)


def test_key_and_id():
    task = a_task()
    assert task.key == TaskKey("TASK#mbc", f"cat#{CODE}")
    assert task.id == f"TASK#mbc#cat#{CODE}"


def test_input_and_result_are_decoded():
    task = a_task(input_text='{"a":[1]}', attributes={"result": "[null]"})
    assert (task.input, task.result) == ({"a": [1]}, [None])
    assert (a_task().input, a_task().result, a_task().error) == (None, None, None)


def test_payload_in_the_bucket_says_where_to_ask_for_it():
    task = a_task(input_ref=REFERENCE, attributes={"resultRef": REFERENCE})
    with pytest.raises(PayloadInBucket, match=r"the input is in the bucket; use TaskService\.load_input"):
        _ = task.input
    with pytest.raises(PayloadInBucket, match=r"the result is in the bucket; use TaskService\.load_result"):
        _ = task.result


def test_error_is_decoded():
    task = a_task(attributes={"error": '{"type":"A","message":"b"}'})
    assert task.error == {"type": "A", "message": "b"}


@pytest.mark.parametrize(
    ("counts", "progress"),
    [
        ({}, None),
        ({"subTaskCount": 0}, 1.0),
        ({"subTaskCount": 8}, 0.0),
        ({"subTaskCount": 8, "subTaskSucceedCount": 1}, 0.125),
        ({"subTaskCount": 8, "subTaskSucceedCount": 3, "subTaskFailedCount": 1}, 0.5),
        ({"subTaskCount": 4, "subTaskFailedCount": 4, "progress": 0.1}, 1.0),
    ],
)
def test_progress_of_a_fan_out_is_what_has_ended(counts, progress):
    assert a_fan_out(attributes=counts).progress == progress


def test_progress_of_a_task_is_what_its_handler_said():
    assert a_task(attributes={"progress": 0.3, "subTaskCount": 2}).progress == 0.3
    assert a_task().progress is None


@pytest.mark.parametrize("status", TaskStatus)
def test_sub_tasks_run_only_while_the_parent_is_processing(status):
    counts = {"subTaskCount": 10, "subTaskSucceedCount": 3, "subTaskFailedCount": 1}
    expected = 6 if status is TaskStatus.PROCESSING else 0
    assert a_fan_out(status, attributes=counts).sub_task_running_count == expected
    assert a_fan_out(status).sub_task_running_count == 0


def test_counters_are_named_as_the_api_names_them():
    assert COUNTERS == ("subTaskCount", "subTaskSucceedCount", "subTaskFailedCount", "subTaskRunningCount")


@pytest.mark.parametrize("length", [0, 1, 48, 49])
def test_history_grows_up_to_its_limit(length):
    history = tuple({"n": n} for n in range(length))
    assert append_history(history, {"n": "new"}) == [*history, {"n": "new"}]


@pytest.mark.parametrize("length", [50, 51, 70])
def test_full_history_keeps_the_first_and_the_newest(length):
    history = tuple({"n": n} for n in range(length))
    kept = append_history(history, {"n": "new"})
    assert len(kept) == HISTORY_LIMIT == 50
    assert [entry["n"] for entry in kept] == [0, *range(length - 48, length), "new"]


def test_history_handed_over_is_left_as_it_was():
    history = ({"n": 0},)
    append_history(history, {"n": 1})
    assert history == ({"n": 0},)


@pytest.mark.parametrize(("name", "camel"), [("pk", "pk"), ("created_ip", "createdIp"), ("a_b_c", "aBC")])
def test_names_on_the_wire_are_camel_case(name, camel):
    assert to_camel(name) == camel


def test_sub_task_has_a_key_of_its_own():
    sub_task = SubTaskEntity(pk="SFN_TASK#mbc", sk=f"cat#{CODE}#7", index=7, status=TaskStatus.CREATED)
    assert sub_task.key == TaskKey("SFN_TASK#mbc", f"cat#{CODE}#7")
    assert sub_task.key.index == 7
    assert (sub_task.attempt, sub_task.input, sub_task.attributes) == (0, None, {})


def test_task_of_which_only_the_key_is_known_is_new():
    known = {
        name: getattr(FULL, name) for name in ("pk", "sk", "kind", "code", "type", "name", "tenant_code", "status")
    }
    item = TaskEntity(**known).to_item()
    assert (item["version"], item["attempt"], item["run"], item["change"]) == (0, 0, 0, "status")
    assert (item["createdAt"], item["updatedAt"]) == ("", "")


def test_entities_do_not_change():
    with pytest.raises(AttributeError):
        a_task().status = TaskStatus.FAILED
    assert replace(a_task(), run=1).run == 1
    assert all(field.kw_only for field in fields(TaskEntity))
