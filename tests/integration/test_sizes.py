"""Every size at which something changes, and one byte to either side: each ends in a result or in a clear refusal.

4 KB is what stays in an item, 256 KB what an answer carries and a result within its chunk's outcomes may have, 400 KB
what DynamoDB takes as an item, 1 MB a checkpoint's limit, 3,000,000 bytes a line's. (The API's tests have a request's.)
"""

from typing import Any

import pytest
from serverless_tasks import TaskKey, TaskStatus, TaskType
from serverless_tasks.core.dynamodb.sizes import item_size
from serverless_tasks.core.inputs.json_text import CHECKPOINT_LIMIT, INLINE_LIMIT, to_json_text
from serverless_tasks.core.inputs.uploads import LINE_LIMIT

from tests.support.moto_stack import MotoStack
from tests.support.stacks import fan_out, fan_out_of, single
from tests.support.table_writes import writes

EDGES = (INLINE_LIMIT, 262_144, 409_600, CHECKPOINT_LIMIT, LINE_LIMIT)
SIZES = [edge + beside for edge in EDGES for beside in (-1, 0, 1)]
LINES = [size for size in SIZES if size <= LINE_LIMIT]
ITEM_LIMIT = 409_600

each_size = pytest.mark.parametrize("size", SIZES)


def text(size: int) -> str:
    """A value whose JSON text has so many bytes, not all of them ASCII."""
    value = "é" + "x" * (size - 4)
    assert len(to_json_text(value, "").encode()) == size
    return value


def results(stack: MotoStack, key: TaskKey) -> list[Any]:
    """Of all sub-tasks, wherever they are."""
    found, cursor = [], None
    while True:
        page = stack.service.list_sub_tasks(key, cursor=cursor)
        found += [sub_task.attributes for sub_task in page.items]
        if (cursor := page.cursor) is None:
            break
    load = stack.cloud("ApiFunction").payloads.load
    return [load(has["resultRef"]) if "resultRef" in has else has["result"] for has in found]


def check_items(stack: MotoStack) -> None:
    """No item came near what DynamoDB refuses; moto would take it."""
    assert max(item_size(after) for _, after in writes(stack.resources) if after) < ITEM_LIMIT // 10


@each_size
def test_input_result_and_checkpoint_of_a_task(stack: MotoStack, size: int) -> None:
    cat = TaskType("cat", max_attempts=2)
    states = []

    @cat.task
    def handle(event: Any, context: Any) -> Any:
        states.append(context.state)
        if context.attempt == 1:
            context.checkpoint(event.input)
            raise ValueError("again")
        return event.input

    task = single(stack, text(size))

    if size <= CHECKPOINT_LIMIT:
        assert states == [None, text(size)]
    else:
        assert states == [None, None]  # refused, which the handler did not catch
        assert task.history[3]["reason"].startswith(f"InvalidInput: state: has {size} bytes, 1048576 are allowed")
    assert task.status is TaskStatus.COMPLETED
    assert stack.service.load_input(task) == stack.service.load_result(task) == text(size)
    assert ("resultRef" in task.attributes) == (task.input_ref is not None) == (size > INLINE_LIMIT)
    check_items(stack)


@pytest.mark.parametrize("chunk_size", [1, len(SIZES)])
def test_elements_and_results_of_sub_tasks(stack: MotoStack, chunk_size: int) -> None:
    cat = TaskType("cat", chunk_size=chunk_size)
    cat.sub_task(lambda event, context: event.input)
    cat.finished(lambda event, outcomes: [len(outcome.result) for outcome in outcomes])
    elements = [text(size) for size in SIZES]

    task = fan_out(stack, elements)

    assert task.result == [len(element) for element in elements]
    assert results(stack, task.key) == elements
    check_items(stack)


@each_size
def test_a_list_and_the_result_of_its_fan_in(stack: MotoStack, size: int) -> None:
    # GIVEN two elements that are so large together, with the brackets and the comma
    cat = TaskType("cat")
    cat.sub_task(lambda event, context: event.input)
    cat.finished(lambda event, outcomes: [outcome.result for outcome in outcomes])
    elements = [text(size - 4), 1]
    assert len(to_json_text(elements, "").encode()) == size

    task = fan_out(stack, elements)

    assert stack.service.load_result(task) == stack.service.load_input(task) == elements
    assert ("resultRef" in task.attributes) == (task.input_ref is not None) == (size > INLINE_LIMIT)
    check_items(stack)


def test_lines_of_an_upload(stack: MotoStack) -> None:
    TaskType("cat").sub_task(lambda event, context: event.input)

    task = fan_out_of(stack, "".join(f"{to_json_text(line, '')}\n" for line in map(text, LINES)).encode())

    assert results(stack, task.key) == [text(size) for size in LINES]
    check_items(stack)


def test_records_of_an_uploaded_csv(stack: MotoStack) -> None:
    TaskType("cat").sub_task(lambda event, context: event.input)

    task = fan_out_of(stack, b"a\n" + b"".join(b"x" * size + b"\n" for size in LINES), "csv")

    assert results(stack, task.key) == [{"a": "x" * size} for size in LINES]
    check_items(stack)


@pytest.mark.parametrize(("form", "content", "line"), [("jsonl", b'1\n"%s"\n', 2), ("csv", b"a\n1\n%sxx\n", 3)])
def test_a_line_of_one_byte_too_many_ends_its_task(stack: MotoStack, form: str, content: bytes, line: int) -> None:
    TaskType("cat").sub_task(lambda event, context: event.input)

    task = fan_out_of(stack, content % (b"x" * (LINE_LIMIT - 1)), form)

    assert task.error == {"type": "InvalidInput", "message": f"inputRef: line {line}: has more than 3000000 bytes"}
    assert "subTaskCount" not in task.attributes
