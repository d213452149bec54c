"""Connections that break while the bucket is read: the read goes on, and what cannot be read costs no lease."""

import io
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from botocore.response import StreamingBody
from serverless_tasks import TaskKey, TaskStatus, TaskType
from serverless_tasks.adapters.payloads import READS, PayloadStore
from serverless_tasks.core.task_types.failures import MAX_FUTILE_CLAIMS
from serverless_tasks.testing import MemoryStack, WorkerKilled
from urllib3 import exceptions as urllib3

from tests.support.tasks import relay_all

BODY = b'"' + bytes(range(97, 123)) * 10_000 + b'"'
REFERENCE = {"key": "k", "bytes": len(BODY), "etag": '"e"'}
ENDS = [urllib3.ProtocolError("reset"), urllib3.ReadTimeoutError(None, "k", "timed out"), None]
"""What a connection ends with, None if it just ends."""


class Raw:
    """A connection that gives some bytes and then breaks."""

    def __init__(self, body: bytes, good: int, end: Exception | None) -> None:
        self._body = io.BytesIO(body[:good])
        self._end = end

    def read(self, amount: int | None) -> bytes:
        found = self._body.read(amount)
        if not found and self._end:
            raise self._end
        return found

    def close(self) -> None:
        """As nobody reads from it any more."""


class Client:
    """S3, whose first ``breaks`` connections give 100,000 bytes, or fewer if told so."""

    def __init__(self, breaks: int, end: Exception | None, good: int = 100_000) -> None:
        self._left, self._end, self._good = breaks, end, good
        self.asked: list[tuple[int, int, str]] = []

    def get_object(self, **target: Any) -> dict[str, Any]:
        first, last = map(int, target["Range"].removeprefix("bytes=").split("-"))
        self.asked.append((first, last, target["IfMatch"]))
        self._left -= 1
        found = BODY[first : last + 1]
        raw = Raw(found, self._good, self._end) if self._left >= 0 else io.BytesIO(found)
        return {"Body": StreamingBody(raw, len(found))}


@pytest.mark.parametrize("end", ENDS)
def test_a_read_goes_on_where_its_connection_broke(end):
    client = Client(2, end)

    assert PayloadStore(client, "bucket").load(REFERENCE) == BODY.decode().strip('"')
    last = len(BODY) - 1
    assert client.asked == [(0, last, '"e"'), (100_000, last, '"e"'), (200_000, last, '"e"')]


def test_blocks_and_lines_go_on_as_well():
    assert b"".join(PayloadStore(Client(1, ENDS[0]), "bucket").blocks(REFERENCE, 5, 200_005)) == BODY[5:200_005]
    assert list(PayloadStore(Client(1, ENDS[0]), "bucket").lines(REFERENCE)) == [BODY.decode()]


@pytest.mark.parametrize(
    ("end", "error"), [*zip(ENDS, (ResponseStreamingError, ReadTimeoutError, IncompleteReadError), strict=True)]
)
def test_a_read_is_given_up_when_its_last_connection_breaks(end, error):
    client = Client(READS, end, good=1000)

    with pytest.raises(error):
        PayloadStore(client, "bucket").load(REFERENCE)
    assert [first for first, _, _ in client.asked] == [0, 1000, 2000]


def test_a_connection_that_breaks_after_the_last_byte_has_given_all():
    client = Client(READS, ENDS[0], good=len(BODY))

    assert PayloadStore(client, "bucket").load(REFERENCE)
    assert len(client.asked) == 1


def refuse(stack: MemoryStack, monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> list[timedelta]:
    """Break so many reads of a chunk's part of the input (``blocks``) or of its outcomes (``lines``)."""
    read, began, tried = getattr(stack.memory.payloads, name), stack.clock(), list[timedelta]()

    def refusing(reference: Any, *place: int) -> Any:
        if (place or name == "lines") and len(tried) < times:
            tried.append(stack.clock() - began)
            raise ReadTimeoutError(endpoint_url="bucket")
        return read(reference, *place)

    monkeypatch.setattr(stack.memory.payloads, name, refusing)
    return tried


def create(stack: MemoryStack, count: int) -> TaskKey:
    return stack.service.create_step_function_task("mbc", "cat", ["x" * 5000] * count).key


@pytest.fixture
def marked(before_writes) -> list[int]:
    """Indices that an isolating worker marks."""
    marked: list[int] = []
    before_writes(lambda change: marked.extend([change.set["inFlight"]] if "inFlight" in change.set else []))
    return marked


def test_a_chunk_whose_input_is_not_read_is_due_again_in_a_minute_and_counts_no_death(stack, monkeypatch, marked):
    cat = TaskType("cat", max_attempts=1)
    ran = []
    cat.sub_task(lambda event, context: ran.append((event.index, context.attempt)))
    refuse(stack, monkeypatch, "blocks", 1)
    began = stack.clock()

    task = stack.run(create(stack, 1))

    assert (task.status, ran, marked) == (TaskStatus.COMPLETED, [(0, 1)], [])
    assert stack.clock() - began == timedelta(seconds=60)


def test_a_chunk_whose_outcomes_are_not_read_is_given_back_too(stack, monkeypatch):
    cat = TaskType("cat", max_attempts=2, chunk_size=3)
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append((event.index, context.attempt))
        if event.index == 2 and context.attempt == 1:
            raise ValueError("boom")
        return "r" * 3000

    monkeypatch.setattr("serverless_tasks.workers.chunk.run.IDLE_SECONDS", 0)
    refuse(stack, monkeypatch, "lines", 1)

    task = stack.run(create(stack, 3))

    assert (task.status, ran) == (TaskStatus.COMPLETED, [(0, 1), (1, 1), (2, 1), (2, 2)])


def test_a_death_before_is_not_forgotten(stack, monkeypatch, marked):
    cat = TaskType("cat", chunk_size=2)
    ran = []

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        if len(ran) == 1:
            refuse(stack, monkeypatch, "blocks", 1)
            raise WorkerKilled

    stack.run(create(stack, 2))

    assert (ran, marked) == ([0, 0, 1], [0, 1])


def test_a_chunk_that_can_never_be_read_ends_its_task(stack, monkeypatch):
    TaskType("cat").sub_task(lambda event, context: None)
    tried = refuse(stack, monkeypatch, "blocks", 1000)

    task = stack.run(create(stack, 1))

    assert (task.status, task.error["type"]) == (TaskStatus.FAILED, "WorkerLost")
    assert "cannot read the bucket" in task.error["message"]
    assert [later - sooner for sooner, later in pairwise(tried)] == [
        timedelta(minutes=wait) for wait in (1, 2, 4, 8, *[15] * 6)
    ]
    assert len(tried) == MAX_FUTILE_CLAIMS + 1


def test_one_that_was_taken_over_meanwhile_is_left_alone(stack, monkeypatch):
    TaskType("cat").sub_task(lambda event, context: None)
    key = create(stack, 1)
    relay_all(stack)
    stack._executions()[0].step()
    call = {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0}

    def too_late(*_arguments: Any) -> Any:
        monkeypatch.undo()
        stack.clock.advance(2000)
        stack.invoke("chunk", call)
        raise ReadTimeoutError(endpoint_url="bucket")

    monkeypatch.setattr(stack.memory.payloads, "blocks", too_late)
    stack.invoke("chunk", call)

    [chunk] = stack.memory.table.chunks("mbc", key.code)
    assert (chunk.attempt, chunk.succeeded, chunk.due_at) == (2, 1, None)
