"""Finish: the outcome is decided from the chunks, once, and the fan-in runs before it."""

import re

import pytest
from serverless_tasks import Backoff, PermanentError, TaskKey, TaskStatus, TaskType
from serverless_tasks.core.dynamodb.expressions import Update, exists
from serverless_tasks.testing import MemoryStack, WorkerKilled

from tests.support.tasks import create_list, relay_all


def call(key: TaskKey, **more: object) -> dict[str, object]:
    return {"pk": key.pk, "sk": key.sk, "run": 0, **more}


def until_finish(stack: MemoryStack, key: TaskKey) -> None:
    while not any(execution.next == "Finish" for execution in stack._executions()):
        if not stack.step():
            stack.clock.advance(1)


@pytest.fixture
def cat() -> TaskType:
    cat = TaskType("cat", max_attempts=2, chunk_size=2, backoff=Backoff(base=1, cap=1))

    @cat.sub_task
    def handle(event, context):
        if event.input == "bad":
            raise PermanentError("bad one")
        return event.input

    return cat


def test_the_fan_in_gets_every_outcome_in_order_and_makes_the_result(stack, cat):
    seen = []

    @cat.finished
    def finished(event, outcomes):
        seen.append((event.index, event.input, event.task_key, event.context["run"]))
        return [(o.index, o.status, o.result, o.attempt, o.error) for o in outcomes]

    key = create_list(stack, ["a", "b", "c"])
    task = stack.run(key)

    assert task.result == [[i, "COMPLETED", v, 1, None] for i, v in enumerate("abc")]
    assert seen == [(None, ["a", "b", "c"], key, 0)]
    assert [h["status"] for h in task.history] == ["CREATED", "STARTED", "PROCESSING", "FINISHED", "COMPLETED"]


def test_the_fan_in_gets_an_input_that_is_in_the_bucket(stack, cat):
    @cat.finished
    def finished(event, outcomes):
        pairs = [(len(value), o.index) for value, o in zip(event.input, outcomes, strict=True)]
        return [pairs, len(event.input), event.input[-1], event.input[0][:2]]

    assert stack.run(create_list(stack, ["x" * 5000, "y"])).result == [[[5000, 0], [1, 1]], 2, "y", "xx"]


def test_an_input_in_the_bucket_is_read_only_if_the_fan_in_wants_it(stack, cat, monkeypatch):
    text, read = stack.memory.payloads._text, []

    def watched(reference):
        read.append(reference["key"].rpartition("/")[2])
        return text(reference)

    @cat.finished
    def finished(event, outcomes):
        return [len(event.input), sum(1 for _ in outcomes), read.count("input.jsonl"), next(iter(event.input))]

    key = create_list(stack, ["x" * 5000, "y"])
    until_finish(stack, key)
    monkeypatch.setattr(stack.memory.payloads, "_text", watched)

    assert stack.service.load_result(stack.run(key)) == [2, 2, 0, "x" * 5000]
    assert read.count("input.jsonl") == 1


def test_a_fan_in_that_reads_an_input_that_is_gone_fails_the_task(stack, cat):
    cat.finished(lambda event, outcomes: list(event.input))
    key = create_list(stack, ["x" * 5000, "y"])
    until_finish(stack, key)
    stack.memory.payloads.objects = {k: text for k, text in stack.memory.payloads.objects.items() if "input" not in k}

    assert stack.run(key).error["type"] == "PayloadMissing"


def test_without_fan_in_there_is_no_result(stack, cat):
    assert "result" not in stack.run(create_list(stack, ["a"])).attributes


@pytest.mark.parametrize(
    ("tolerated", "bad", "status"),
    [
        (0, 0, "COMPLETED"),
        (0, 1, "FAILED"),
        (1, 1, "COMPLETED"),
        (1, 2, "FAILED"),
        ("50%", 2, "COMPLETED"),
        ("50%", 3, "FAILED"),
        ("100%", 4, "COMPLETED"),
    ],
)
def test_what_a_type_tolerates_decides(stack, tolerated, bad, status):
    cat = TaskType("cat", tolerated_failures=tolerated)

    @cat.sub_task
    def handle(event, context):
        if event.input:
            raise PermanentError("bad one")

    cat.finished(lambda event, outcomes: [str(o.error and o.error["message"]) for o in outcomes])
    task = stack.run(create_list(stack, [1] * bad + [0] * (4 - bad)))

    assert str(task.status) == status
    assert task.attributes["subTaskFailedCount"] == bad
    if status == "COMPLETED":
        assert task.result == ["bad one"] * bad + ["None"] * (4 - bad)


def test_a_fan_in_that_fails_is_tried_again(stack, cat):
    tries = []

    @cat.finished
    def finished(event, outcomes):
        tries.append([o.result for o in outcomes])
        if len(tries) == 1:
            raise ValueError("boom")
        return "second"

    assert stack.run(create_list(stack, ["a", "b"])).result == "second"
    assert tries == [["a", "b"], ["a", "b"]]


@pytest.mark.parametrize(("error", "tries"), [(ValueError("boom"), 2), (PermanentError("boom"), 1)])
def test_a_fan_in_that_keeps_failing_fails_the_task(stack, cat, error, tries):
    seen = []

    @cat.finished
    def finished(event, outcomes):
        seen.append(1)
        raise error

    task = stack.run(create_list(stack, ["a"]))

    assert (task.status, len(seen)) == (TaskStatus.FAILED, tries)
    assert task.error == {"type": type(error).__name__, "message": "boom"}
    assert [h["status"] for h in task.history][-2:] == ["FINISHED", "FAILED"]


def test_a_fan_in_whose_result_is_not_json_fails_the_task(stack, cat):
    cat.finished(lambda event, outcomes: {1})

    assert stack.run(create_list(stack, ["a"])).error["type"] == "InvalidResult"


def test_a_fan_in_ends_at_its_timeout(stack):
    import time

    cat = TaskType("cat", timeout=1)
    cat.sub_task(lambda event, context: None)
    cat.finished(lambda event, outcomes: time.sleep(10))

    error = stack.run(create_list(stack, ["a"])).error
    assert error["type"] == "AttemptTimeout"
    assert re.fullmatch(r"the fan-in ran too long; it was at .*/test_finisher\.py:\d+, in <lambda>", error["message"])


def test_a_large_result_goes_to_the_bucket(stack, cat):
    cat.finished(lambda event, outcomes: "r" * 5000)

    task = stack.run(create_list(stack, ["a"]))

    assert "result" not in task.attributes
    assert stack.service.load_result(task) == "r" * 5000


def test_a_finish_that_died_goes_on_where_it_was(stack, cat):
    tries = []

    @cat.finished
    def finished(event, outcomes):
        tries.append(1)
        if len(tries) == 1:
            raise WorkerKilled
        return "done"

    key = create_list(stack, ["a"])
    until_finish(stack, key)
    with pytest.raises(WorkerKilled):
        stack.invoke("finish", call(key))
    stack.invoke("finish", call(key))
    stack.invoke("finish", call(key))

    task = stack.task(key)
    assert (task.result, len(tries)) == ("done", 2)
    assert [h["status"] for h in task.history].count("FINISHED") == 1


def test_the_counters_are_what_the_chunks_say(stack, cat):
    key = create_list(stack, ["a", "bad", "c"])
    until_finish(stack, key)
    drifted = {"attributes.subTaskSucceedCount": 1, "attributes.subTaskFailedCount": 0, "change": "data"}
    stack.memory.table.update(Update(key.pk, key.sk, conditions=(exists("pk"),), set=drifted))

    task = stack.run(key)

    assert (task.attributes["subTaskSucceedCount"], task.attributes["subTaskFailedCount"]) == (2, 1)


def test_finish_before_every_chunk_has_ended_is_an_error(stack, cat):
    key = create_list(stack, ["a", "b", "c"])
    relay_all(stack)
    stack._executions()[0].step()

    with pytest.raises(Exception, match="2 chunks have not ended"):
        stack.invoke("finish", call(key))
    assert stack.task(key).status is TaskStatus.PROCESSING


def test_a_task_that_was_never_cut_into_chunks_ends_failed_and_a_retry_cuts_it(stack, cat):
    key = create_list(stack, ["a", "b", "c"])
    stack.relay_one()
    by_hand = Update(key.pk, key.sk, conditions=(exists("pk"),), set={"status": "PROCESSING", "change": "data"})
    stack.memory.table.update(by_hand)

    task = stack.run(key)

    assert task.error == {"type": "PayloadMissing", "message": "it was never cut into chunks; retry it, and it is"}
    stack.service.retry_task(key)
    assert stack.run(key).status is TaskStatus.COMPLETED


def test_a_task_whose_chunks_expired_meanwhile_fails_and_a_retry_cuts_them_anew(stack, cat):
    key = create_list(stack, ["a", "b", "c"])
    until_finish(stack, key)
    stack.memory.table.items = {k: item for k, item in stack.memory.table.items.items() if k[1] != "000001"}

    assert stack.run(key).error["type"] == "PayloadMissing"
    stack.service.retry_task(key)
    assert stack.run(key).attributes["subTaskSucceedCount"] == 3


def test_progress_does_not_fall_when_a_retry_plans(stack, cat):
    key = create_list(stack, ["a", "b", "c", "bad"])
    assert stack.run(key).progress == 1
    stack.service.retry_task(key)

    shown = [stack.task(key).progress]
    while not stack.task(key).status.terminal:
        if not stack.step():
            stack.clock.advance(1)
        shown.append(stack.task(key).progress)

    assert shown == sorted(shown)
    assert {0, 0.5, 1} == set(shown)


def test_when_the_state_machine_gives_up_the_task_ends_failed_and_says_why(stack, cat):
    key = create_list(stack, ["a"])
    stack.relay_one()

    stack.invoke("finish", call(key, failure={"Error": "Sandbox.Timedout", "Cause": "plan timed out"}))

    task = stack.task(key)
    assert task.status is TaskStatus.FAILED
    assert task.error["message"] == "the state machine gave up. Sandbox.Timedout: plan timed out"


@pytest.mark.parametrize("event", ["ended", "other run", "missing"])
def test_finish_of_a_task_that_is_not_its_own_does_nothing(stack, cat, event):
    key = create_list(stack, ["a"])
    stack.run(key)
    before = stack.task(key)

    other = TaskKey("SFN_TASK#mbc", "cat#missing") if event == "missing" else key
    stack.invoke("finish", call(other, **({"run": 1} if event == "other run" else {}), failure={"Error": "x"}))

    assert stack.task(key) == before


def test_cancel_during_the_fan_in_wins(stack, cat):
    @cat.finished
    def finished(event, outcomes):
        runs.append(1)
        stack.service.cancel_task(event.task_key)
        return "too late"

    runs: list[int] = []
    task = stack.run(create_list(stack, ["a"]))

    assert (task.status, "result" in task.attributes, len(runs)) == (TaskStatus.CANCELLED, False, 1)


def test_an_error_of_aws_after_the_fan_in_is_left_to_the_state_machine(stack, cat, monkeypatch):
    update, runs = stack.memory.table.update_task, []
    cat.finished(lambda event, outcomes: runs.append(1))

    def refuse_once(change, before):
        if change.set.get("status") == "COMPLETED" and len(runs) == 1:
            raise ConnectionError("throttled")
        return update(change, before)

    monkeypatch.setattr(stack.memory.table, "update_task", refuse_once)
    task = stack.run(create_list(stack, ["a"]))

    assert (task.status, len(runs)) == (TaskStatus.COMPLETED, 2)
