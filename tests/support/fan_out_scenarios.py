"""What happens to Step Functions tasks, each played on any stack, as in :mod:`tests.support.scenarios`."""

from typing import Any

from serverless_tasks import Backoff, TaskStatus, TaskType
from serverless_tasks.testing import WorkerKilled

from tests.support.scenarios import SCENARIOS, SIZES, Scenario, scenario
from tests.support.stacks import Stack, deliver_twice, fan_out, fan_out_of, lose_objects, path

HAPPY = "CREATED STARTED PROCESSING FINISHED COMPLETED"


def counts(task: Any) -> tuple[int, int, int]:
    """Sub-tasks, succeeded, failed."""
    names = ("subTaskCount", "subTaskSucceedCount", "subTaskFailedCount")
    total, succeeded, failed = (int(task.attributes[name]) for name in names)
    return total, succeeded, failed


def _of_count(count: int) -> Scenario:
    def play(stack: Stack) -> None:
        cat = TaskType("cat")
        cat.sub_task(lambda event, context: event.input + 1)
        cat.finished(lambda event, outcomes: sum(outcome.result for outcome in outcomes))

        task = fan_out(stack, list(range(count)))

        assert path(task) == HAPPY
        assert task.result == sum(range(1, count + 1))
        assert counts(task) == (count, count, 0)

    return play


SCENARIOS |= {f"a_fan_out_of_{count}": _of_count(count) for count in (0, 1, 7, 100)}


def _of_size(length: int) -> Scenario:
    def play(stack: Stack) -> None:
        cat = TaskType("cat", chunk_size=2)
        cat.sub_task(lambda event, context: event.input)
        cat.finished(lambda event, outcomes: [outcome.result for outcome in outcomes][1:])

        value = "é\u2028" + "x" * (length - 5)
        task = fan_out(stack, [value, "b", value])

        assert path(task) == HAPPY
        assert stack.service.load_input(task) == [value, "b", value]
        assert stack.service.load_result(task) == ["b", value]
        subs = stack.service.list_sub_tasks(task.key).items
        assert set(subs[2].attributes) == {"resultRef" if length > 262_144 else "result"}

    return play


SCENARIOS |= {f"elements_of_{length}_bytes": _of_size(length) for length in SIZES}


@scenario
def json_lines_are_uploaded(stack: Stack) -> None:
    cat = TaskType("cat", chunk_size=2)
    cat.sub_task(lambda event, context: event.input)
    cat.finished(lambda event, outcomes: [list(event.input), [outcome.result for outcome in outcomes]])

    task = fan_out_of(stack, '\ufeff1\n\n{"é": "\u2028"}\r\n"x"'.encode())

    assert path(task) == HAPPY
    assert task.result == [[1, {"é": "\u2028"}, "x"]] * 2


@scenario
def csv_is_uploaded_and_retried(stack: Stack) -> None:
    cat = TaskType("cat", chunk_size=1, max_attempts=1)
    cat.sub_task(lambda event, context: event.input if context.run or event.index else 1 // 0)

    task = fan_out_of(stack, b'id,name\r\n1,"Rex\n"\r\n2,', "csv")
    assert counts(task) == (2, 1, 1)
    stack.service.retry_task(task.key)
    task = stack.run(task.key)

    results = [sub_task.attributes["result"] for sub_task in stack.service.list_sub_tasks(task.key).items]
    assert results == [{"id": "1", "name": "Rex\n"}, {"id": "2", "name": ""}]


@scenario
def an_upload_has_a_broken_line(stack: Stack) -> None:
    TaskType("cat").sub_task(lambda event, context: 1 // 0)

    task = fan_out_of(stack, b"1\n2\n{\n")

    assert path(task) == "CREATED STARTED FAILED"
    assert task.error
    assert task.error["message"].startswith("inputRef: line 3: is not JSON")
    assert stack.service.list_sub_tasks(task.key).items == []


@scenario
def an_upload_is_lost_before_it_is_planned(stack: Stack) -> None:
    TaskType("cat").sub_task(lambda event, context: 1 // 0)
    upload = stack.service.create_upload("mbc")
    stack.upload(upload, b"1\n")
    key = stack.service.create_step_function_task("mbc", "cat", input_ref=upload.input_ref).key
    lose_objects(stack)

    task = stack.run(key)

    assert path(task) == "CREATED STARTED FAILED"
    assert task.error
    assert task.error["type"] == "PayloadMissing"


@scenario
def a_fan_out_without_a_fan_in_has_no_result(stack: Stack) -> None:
    TaskType("cat").sub_task(lambda event, context: None)

    task = fan_out(stack, [{"key": f"value{n}"} for n in range(1, 7)])

    assert "result" not in task.attributes


@scenario
def one_of_five_fails(stack: Stack) -> None:
    cat = TaskType("cat", max_attempts=1, chunk_size=2)
    cat.sub_task(lambda event, context: 1 // event.input)

    task = fan_out(stack, [1, 1, 1, 0, 1])

    assert task.status is TaskStatus.FAILED
    assert counts(task) == (5, 4, 1)


@scenario
def failures_are_tolerated(stack: Stack) -> None:
    cat = TaskType("cat", max_attempts=1, tolerated_failures="50%")
    cat.sub_task(lambda event, context: 1 // event.input)
    cat.finished(lambda event, outcomes: [str(outcome.status) for outcome in outcomes])

    assert fan_out(stack, [0, 1, 0, 1]).result == ["FAILED", "COMPLETED"] * 2


@scenario
def sub_tasks_are_tried_again_in_time_and_in_later_rounds(stack: Stack) -> None:
    cat = TaskType("cat", chunk_size=2, backoff=Backoff(base=12, factor=10, cap=900))

    @cat.sub_task
    def fail_twice(event: Any, context: Any) -> int:
        if event.index % 2 and context.attempt < 3:
            raise ValueError("not yet")
        return int(context.attempt)

    task = fan_out(stack, [0, 1, 2])

    assert path(task) == HAPPY
    assert [s.attempt for s in stack.service.list_sub_tasks(task.key).items] == [1, 3, 1]


@scenario
def a_retry_runs_what_did_not_complete(stack: Stack) -> None:
    cat, ran = TaskType("cat", max_attempts=1, chunk_size=2), []

    @cat.sub_task
    def fail_in_the_first_run(event: Any, context: Any) -> str:
        ran.append((context.run, event.index))
        if context.run == 0 and event.index in (0, 3):
            raise ValueError("first run")
        return "r" * 3000

    key = fan_out(stack, [0, 1, 2, 3, 4]).key
    stack.service.retry_task(key)
    task = stack.run(key)

    assert ran == [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (1, 3)]
    assert path(task) == "CREATED STARTED PROCESSING FINISHED FAILED " + HAPPY
    assert counts(task) == (5, 5, 0)


@scenario
def a_fan_out_is_cancelled_and_retried(stack: Stack) -> None:
    cat = TaskType("cat", chunk_size=2)

    @cat.sub_task
    def cancel(event: Any, context: Any) -> int:
        if context.run == 0 and event.index == 2:
            stack.service.cancel_task(key)
        return int(context.run)

    key = stack.service.create_step_function_task("mbc", "cat", list(range(6))).key
    assert stack.run(key).status is TaskStatus.CANCELLED
    while stack.step():
        pass
    shown = [str(s.status) for s in stack.service.list_sub_tasks(key).items]
    assert shown == ["COMPLETED"] * 4 + ["CANCELLED"] * 2
    stack.service.retry_task(key)

    task = stack.run(key)

    results = [s.attributes["result"] for s in stack.service.list_sub_tasks(key).items]
    assert results == [0, 0, 0, 0, 1, 1]
    assert counts(task) == (6, 6, 0)


@scenario
def a_killed_chunk_worker_is_replaced(stack: Stack) -> None:
    cat, ran = TaskType("cat", chunk_size=3, max_attempts=2), []

    @cat.sub_task
    def die_at_one(event: Any, context: Any) -> int:
        ran.append(event.index)
        if event.index == 1:
            raise WorkerKilled
        return int(event.index)

    task = fan_out(stack, [0, 1, 2, 3])

    shown = [str(s.status) for s in stack.service.list_sub_tasks(task.key).items]
    assert shown == ["COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    assert ran == [0, 1, 3, 0, 1, 2, 1]


@scenario
def a_killed_fan_in_is_repeated(stack: Stack) -> None:
    cat, ran = TaskType("cat"), []
    cat.sub_task(lambda event, context: 1)

    @cat.finished
    def die_once(event: Any, outcomes: Any) -> int:
        ran.append(1)
        if len(ran) == 1:
            raise WorkerKilled
        return len(list(outcomes))

    assert fan_out(stack, [1, 2]).result == 2
    assert len(ran) == 2


@scenario
def a_fan_in_that_kills_every_worker_fails(stack: Stack) -> None:
    cat, ran = TaskType("cat"), []
    cat.sub_task(lambda event, context: 1)

    @cat.finished
    def die(event: Any, outcomes: Any) -> None:
        ran.append(1)
        raise WorkerKilled

    assert path(fan_out(stack, [1, 2])) == "CREATED STARTED PROCESSING FINISHED FAILED"
    assert len(ran) == 4


@scenario
def a_fan_out_is_started_twice(stack: Stack) -> None:
    cat, ran = TaskType("cat"), []
    cat.sub_task(lambda event, context: ran.append(event.index))
    key = stack.service.create_step_function_task("mbc", "cat", [1, 2]).key
    deliver_twice(stack)

    assert path(stack.run(key)) == HAPPY
    assert ran == [0, 1]


@scenario
def a_fan_out_loses_its_input(stack: Stack) -> None:
    TaskType("cat").sub_task(lambda event, context: None)
    key = stack.service.create_step_function_task("mbc", "cat", ["x" * 5000]).key
    lose_objects(stack)

    assert path(stack.run(key)) == "CREATED STARTED FAILED"


@scenario
def a_sub_task_is_given_its_outcome(stack: Stack) -> None:
    cat = TaskType("cat", chunk_size=2)
    cat.sub_task(lambda event, context: "by the handler")
    key = stack.service.create_step_function_task("mbc", "cat", [0, 1, 2, 3]).key
    while stack.task(key).status is not TaskStatus.PROCESSING:
        stack.step()

    stack.service.update_sub_task_status(key.sub_task(1), TaskStatus.COMPLETED, {"result": "by hand"})

    stack.run(key)
    results = [s.attributes["result"] for s in stack.service.list_sub_tasks(key).items]
    assert results == ["by the handler", "by hand", "by the handler", "by the handler"]
