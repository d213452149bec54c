"""Inputs and results by their size, uploads, and objects that get lost."""

from serverless_tasks import TaskType

from tests.support.scenarios.catalogue import HAPPY, SCENARIOS, Scenario, counts, scenario
from tests.support.stacks import Stack, fan_out, fan_out_of, lose_objects, path, single

SIZES = (3_900, 4_100, 1_100_000)
"""Bytes: on both sides of what an item holds, and of what comes in one piece."""


def _sizes(length: int) -> Scenario:
    def play(stack: Stack) -> None:
        TaskType("cat").task(lambda event, context: event.input)
        value = "é\u2028" + "x" * (length - 5)
        task = single(stack, value)
        assert stack.service.load_input(task) == value
        assert stack.service.load_result(task) == value

    return play


@scenario
def a_task_loses_its_input(stack: Stack) -> None:
    TaskType("cat").task(lambda event, context: None)
    key = stack.service.create_task("mbc", "cat", "x" * 5000).key
    lose_objects(stack)

    task = stack.run(key)

    assert path(task) == "CREATED QUEUED PROCESSING FAILED"
    assert task.error is not None
    assert task.error["type"] == "PayloadMissing"


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
def a_fan_out_loses_its_input(stack: Stack) -> None:
    TaskType("cat").sub_task(lambda event, context: None)
    key = stack.service.create_step_function_task("mbc", "cat", ["x" * 5000]).key
    lose_objects(stack)

    assert path(stack.run(key)) == "CREATED STARTED FAILED"


SCENARIOS |= {f"a_payload_of_{length}_bytes": _sizes(length) for length in SIZES}
SCENARIOS |= {f"elements_of_{length}_bytes": _of_size(length) for length in SIZES}
