"""Uploaded inputs: read once, cut at byte ranges, read by ranges; what is broken fails before anything runs."""

import io
import json
from dataclasses import replace
from functools import partial

import pytest
from serverless_tasks import InvalidInput, KeyReused, TaskStatus, TaskType
from serverless_tasks.adapters.payloads import PayloadStore
from serverless_tasks.core.inputs import marks, uploads
from serverless_tasks.core.times import from_iso
from serverless_tasks.store import inputs
from serverless_tasks.testing import MemoryStack

CSV = b'\xef\xbb\xbfkey,"a ""name"""\r\n\r\n1,Rex\r\n2,"Bel\nlo"\r\n"",\r\n3,Tom'
ROWS = [
    {"key": "1", 'a "name"': "Rex"},
    {"key": "2", 'a "name"': "Bel\nlo"},
    {"key": "", 'a "name"': ""},
    {"key": "3", 'a "name"': "Tom"},
]


@pytest.fixture
def cat() -> TaskType:
    cat = TaskType("cat", chunk_size=2)
    cat.sub_task(lambda event, context: event.input)
    cat.finished(lambda event, outcomes: [list(event.input), [outcome.result for outcome in outcomes]])
    return cat


def uploaded(stack: MemoryStack, body: bytes, written: str = "jsonl", **options: object):
    upload = stack.service.create_upload("mbc", written)
    stack.upload(upload, body)
    return stack.service.create_step_function_task("mbc", "cat", input_ref=upload.input_ref, **options)


def count_reads(stack: MemoryStack, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int | None]]:
    """Key, start and end of every read from now on."""
    seen, blocks = [], stack.memory.payloads.blocks

    def counted(reference, start=0, end=None):
        seen.append((reference["key"], start, end))
        return blocks(reference, start, end)

    monkeypatch.setattr(stack.memory.payloads, "blocks", counted)
    return seen


@pytest.mark.parametrize("written", ["jsonl", "csv"])
def test_an_upload_is_a_link_of_15_minutes_to_a_key_of_the_tenant(stack, written):
    upload = stack.service.create_upload("mbc", written)

    assert uploads.check_input_ref("mbc", upload.input_ref) == upload.input_ref
    assert upload.input_ref.endswith(f".{written}")
    assert (from_iso(upload.expires_at) - stack.clock()).total_seconds() == 900
    assert upload.headers["If-None-Match"] == "*"
    assert stack.service.create_upload("mbc", written).input_ref != upload.input_ref
    stack.upload(upload, b"1")
    with pytest.raises(FileExistsError):
        stack.upload(upload, b"2")


@pytest.mark.parametrize(("field", "arguments"), [("tenantCode", ("no/tenant",)), ("format", ("mbc", "xlsx"))])
def test_an_upload_that_cannot_be_is_refused(stack, field, arguments):
    with pytest.raises(InvalidInput) as caught:
        stack.service.create_upload(*arguments)

    assert caught.value.field == field


def test_json_lines_are_the_elements(stack, cat):
    elements = [{"key": "é\u2028"}, None, [1.5], "x" * 5000, 0]
    body = "\n \r\n".join(json.dumps(element, ensure_ascii=False) for element in elements).encode()

    task = stack.run(uploaded(stack, body).key)

    assert task.status is TaskStatus.COMPLETED
    assert stack.service.load_result(task) == [elements, elements]
    assert stack.service.load_input(task) == list(stack.service.iterate_input(task)) == elements
    assert [sub_task.input for sub_task in stack.service.list_sub_tasks(task).items] == elements
    assert "header" not in task.input_ref


def test_csv_is_a_list_of_objects(stack, cat):
    task = stack.run(uploaded(stack, CSV, "csv").key)

    assert task.result == [ROWS, ROWS]
    assert stack.service.load_input(task) == ROWS
    assert [sub_task.input for sub_task in stack.service.list_sub_tasks(task).items] == ROWS
    assert task.input_ref["header"] == ["key", 'a "name"']


@pytest.mark.parametrize("body", [b"sep=;\r\nkey;n\r\n1;2,5\r\n2;x\r\n3;\r\n", b"key\tn\n1\t2,5\n2\tx\n3\t\n"])
def test_another_delimiter_is_known_to_every_reader(stack, cat, body):
    rows = [{"key": "1", "n": "2,5"}, {"key": "2", "n": "x"}, {"key": "3", "n": ""}]
    task = stack.run(uploaded(stack, body, "csv").key)

    assert task.result == [rows, rows]
    assert stack.service.load_input(task) == rows
    assert [sub_task.input for sub_task in stack.service.list_sub_tasks(task).items] == rows
    assert task.input_ref["header"] == ["key", "n"]


def test_a_task_that_older_code_planned_goes_on_with_its_header(stack, cat):
    # GIVEN a plan by code that knew commas only
    key = uploaded(stack, b"a;b\n1;2\n", "csv").key
    task = replace(stack.task(key), input_ref={**stack.task(key).input_ref, "header": ["a;b"]})

    assert list(inputs.every_element(stack.memory.payloads, task)) == [{"a;b": "1;2"}]


@pytest.mark.parametrize("body", [b'[{"a": 1}, {"a": 2}]', b"\n [1, 2] \r\n", b"[]"])
def test_a_whole_array_is_no_json_lines(stack, cat, body):
    task = stack.run(uploaded(stack, body).key)

    assert task.status is TaskStatus.FAILED
    assert "is the only one, and an array; write each of its elements on a line of its own" in task.error["message"]


@pytest.mark.parametrize("body", [b"[1]\n[2]\n", b'{"a": [1]}\n'])
def test_arrays_may_be_elements(stack, cat, body):
    assert stack.run(uploaded(stack, body).key).status is TaskStatus.COMPLETED


def test_a_list_of_one_list_may_come_from_code(stack, cat):
    elements = [["x" * 5000]]
    task = stack.run(stack.service.create_step_function_task("mbc", "cat", elements).key)
    assert stack.service.load_result(task) == [elements, elements]


def test_an_upload_that_takes_too_long_to_read_ends_its_task(stack, cat, monkeypatch):
    # GIVEN an invocation whose time is up after two blocks of 64 KB
    key = uploaded(stack, b"\n" * 200_000).key
    monkeypatch.setattr(stack.memory.payloads, "blocks", lambda reference: [b"\n" * 65_536] * 3)
    times = iter([160, 110, 60.1, 60])

    call = {"input": {"pk": key.pk, "sk": key.sk, "run": 0}, "executionArn": "arn"}
    step = stack.planner.handle(call, lambda: next(times))

    assert step == {"next": "stop"}
    task = stack.task(key)
    assert task.error["message"] == (
        "inputRef: takes longer to read than 100 s, which were over after 131072 bytes; split it into several tasks, "
        "or give the workers more memory (WorkerMemory)"
    )


@pytest.mark.parametrize("written", ["jsonl", "csv"])
@pytest.mark.parametrize("body", [b"", b"\n\r\n"])
def test_an_upload_without_anything_is_an_empty_list(stack, cat, body, written):
    task = stack.run(uploaded(stack, body, written).key)

    assert (task.status, task.result) == (TaskStatus.COMPLETED, [[], []])


def test_each_chunk_reads_its_own_bytes_and_no_others(stack, cat, monkeypatch):
    key = uploaded(stack, b"\n10\n\n11\n12\n13\n\n14").key
    reads = count_reads(stack, monkeypatch)
    cat.finished_handler = None

    stack.run(key)

    assert [read[1:] for read in reads] == [(0, None), (1, 8), (8, 15), (15, 17)]


def test_a_retry_does_not_read_it_all_again(stack, monkeypatch):
    cat = TaskType("cat", max_attempts=1, chunk_size=1)

    @cat.sub_task
    def fail_at_first(event, context):
        if event.input["a"] == "2" and context.run == 0:
            raise ValueError("not yet")
        return event.input

    key = uploaded(stack, b"a\n1\n2\n", "csv").key
    assert stack.run(key).status is TaskStatus.FAILED
    reads = count_reads(stack, monkeypatch)

    stack.service.retry_task(key)
    task = stack.run(key)

    assert task.status is TaskStatus.COMPLETED
    assert [read[1:] for read in reads] == [(4, 6)]
    assert (task.attributes["subTaskCount"], task.attributes["subTaskSucceedCount"]) == (2, 2)


@pytest.mark.parametrize(
    ("written", "body", "message"),
    [
        ("jsonl", b"1\n\n{broken\n4\n", "inputRef: line 3: is not JSON"),
        ("jsonl", b"1\n\xff\n", "inputRef: line 2: is not UTF-8"),
        ("csv", b"a,b\n1,2\n3\n", "inputRef: line 3: has 1 fields, the header has 2"),
        ("csv", b"a,a\n", "inputRef: line 1: the header has the name 'a' more than once"),
    ],
)
def test_a_broken_line_fails_the_task_before_anything_runs(stack, cat, written, body, message):
    ran = []
    cat.sub_task_handler = lambda event, context: ran.append(event.index)

    task = stack.run(uploaded(stack, body, written).key)

    assert [entry["status"] for entry in task.history] == ["CREATED", "STARTED", "FAILED"]
    assert task.error["type"] == "InvalidInput"
    assert task.error["message"].startswith(message)
    assert ran == []
    assert list(stack.memory.table.chunks("mbc", task.code)) == []
    assert stack.service.list_sub_tasks(task).items == []


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_it_may_have_so_many_elements(stack, cat, monkeypatch, excess):
    monkeypatch.setattr(inputs, "ELEMENT_LIMIT", 5)

    task = stack.run(uploaded(stack, b"1\n" * (5 + excess)).key)

    if excess > 0:
        assert task.error["message"] == "inputRef: has more than 5 elements; split it into several tasks"
    else:
        assert task.attributes["subTaskSucceedCount"] == 5 + excess


def test_a_list_from_code_may_have_more(stack, cat, monkeypatch):
    monkeypatch.setattr(inputs, "ELEMENT_LIMIT", 5)
    monkeypatch.setattr(inputs, "LINE_LIMIT", 5)

    task = stack.run(stack.service.create_step_function_task("mbc", "cat", ["x" * 1000] * 6).key)

    assert task.attributes["subTaskSucceedCount"] == 6


def test_chunks_of_a_very_long_input_begin_at_coarse_marks(stack, cat, monkeypatch):
    monkeypatch.setattr(marks, "Marks", partial(marks.Marks, limit=3))
    cat.chunk_size = 3

    task = stack.run(uploaded(stack, b"".join(b"%d\n" % number for number in range(10))).key)

    assert [chunk.range.count for chunk in stack.memory.table.chunks("mbc", task.code)] == [4, 4, 2]
    assert task.result == [list(range(10))] * 2


# ------------------------------------------------------------------------------------------------ creation


def test_the_task_names_exactly_the_object_that_is_there(stack, cat):
    task = uploaded(stack, b"1\n2\n")

    reference = stack.memory.payloads.find(task.input_ref["key"])
    assert task.input_ref == reference
    assert (reference["bytes"], stack.task(task.key).input_ref) == (4, reference)

    # AND another one in its place is not taken for it
    stack.memory.payloads.objects[reference["key"]] = "3\n4\n"
    assert stack.run(task.key).error["type"] == "PayloadMissing"


def test_missing_and_another_tenants_look_alike(stack):
    missing = stack.service.create_upload("mbc")
    foreign = stack.service.create_upload("acme")
    stack.upload(foreign, b"1")

    messages = set()
    for reference in (missing.input_ref, foreign.input_ref, "anything", ""):
        with pytest.raises(InvalidInput) as caught:
            stack.service.create_step_function_task("mbc", "cat", input_ref=reference)
        messages.add(str(caught.value))

    assert len(messages) == 1
    assert stack.memory.table.items == {}


def test_one_over_the_limit_is_refused(stack, monkeypatch):
    monkeypatch.setattr(uploads, "UPLOAD_LIMIT", 3)

    uploaded(stack, b"123")
    with pytest.raises(InvalidInput, match="inputRef: the upload has 4 bytes, 3 are allowed"):
        uploaded(stack, b"1234")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "input"),
        ({"input": None}, "input"),
        ({"input": "list"}, "input"),
        ({"input": [], "input_ref": "x"}, "inputRef"),
    ],
)
def test_exactly_one_of_input_and_reference_is_given(stack, given, field):
    with pytest.raises(InvalidInput) as caught:
        stack.service.create_step_function_task("mbc", "cat", **given)

    assert caught.value.field == field


def test_the_same_key_makes_one_task_of_an_upload_even_when_it_is_gone(stack, cat):
    task = uploaded(stack, b"1", idempotency_key="k")
    stack.memory.payloads.objects.clear()

    again = stack.service.create_step_function_task("mbc", "cat", input_ref=task.input_ref["key"], idempotency_key="k")

    assert again.key == task.key
    other = stack.service.create_upload("mbc").input_ref
    for different in ({"input_ref": other}, {"input": [1]}, {"input": [{"inputRef": task.input_ref["key"]}]}):
        with pytest.raises(KeyReused):
            stack.service.create_step_function_task("mbc", "cat", **different, idempotency_key="k")


# ------------------------------------------------------------------------------------------------ listings


@pytest.mark.parametrize("status", [None, TaskStatus.CREATED])
def test_before_the_plan_nothing_is_listed_or_read(stack, cat, monkeypatch, status):
    task = uploaded(stack, b"a\n1\n", "csv")
    reads = count_reads(stack, monkeypatch)

    assert stack.service.list_sub_tasks(task.key, status).items == []
    # AND not while it plans, when chunks are there and the header is not
    monkeypatch.setattr(stack.memory.table, "update_task", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        stack.invoke("plan", {"input": {"pk": task.pk, "sk": task.sk, "run": 0}, "executionArn": "arn"})
    assert list(stack.memory.table.chunks("mbc", task.code))
    reads.clear()
    assert stack.service.list_sub_tasks(task.key, status).items == []
    assert reads == []


def test_elements_are_decoded_when_asked_for():
    read = []
    found = inputs.Elements([b"1", b"2", b"3"], lambda text: read.append(text) or int(text))

    assert (len(found), found[1], list(found[1:]), found[-1]) == (3, 2, [2, 3], 3)
    assert read == [b"2", b"2", b"3", b"3"]


def test_a_part_is_read_at_once_and_handed_on_in_blocks(monkeypatch):
    monkeypatch.setattr("serverless_tasks.adapters.payloads.PART_BYTES", 10)
    monkeypatch.setattr("serverless_tasks.adapters.payloads.BLOCK_BYTES", 4)
    asked, body = [], bytes(range(25))

    class Client:
        def get_object(self, **target):
            first, last = map(int, target["Range"].removeprefix("bytes=").split("-"))
            asked.append((first, last, target["IfMatch"]))

            return {"Body": io.BytesIO(body[first : last + 1])}

    reference = {"key": "k", "bytes": 25, "etag": '"e"'}
    found = list(PayloadStore(Client(), "bucket").blocks(reference))

    assert b"".join(found) == body
    assert [len(block) for block in found] == [4, 4, 2, 4, 4, 2, 4, 1]
    assert asked == [(0, 9, '"e"'), (10, 19, '"e"'), (20, 24, '"e"')]
    assert b"".join(PayloadStore(Client(), "bucket").blocks(reference, 3, 14)) == body[3:14]
    assert asked[3:] == [(3, 12, '"e"'), (13, 13, '"e"')]
