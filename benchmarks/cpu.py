"""Processor time of the framework: per sub-task in a chunk, per single task in the queue worker, per AWS call."""

import io
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from serverless_tasks import TaskType
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger
from serverless_tasks.core.dynamodb.attribute_values import encode_item
from serverless_tasks.core.task_types.task_type import find_task_type
from serverless_tasks.testing import MemoryStack
from serverless_tasks.workers.chunk.run import ChunkWorker
from serverless_tasks.workers.queue_worker import QueueWorker
from serverless_tasks.workers.user_code.routing import HandlerRouter

from benchmarks.recorded import Recorded
from benchmarks.uploaded import TENANT, elements
from tests.support.clients import driver_client, worker_client
from tests.support.moto_stack import MotoStack

REPEATS = 7
CHUNK_SIZES = (1_000, 9_000)
"""Sub-tasks of the chunks; the difference of both, divided, leaves out the fixed cost of a chunk."""
SINGLE_TASKS = 300
CALLS = 500
INVOCATION_SECONDS = 900.0
MICRO = 1e6


def measured() -> dict[str, float]:
    """Medians over a few repeats, in microseconds of processor time; log lines are made, and thrown away."""
    with _silent():
        return {
            "subTaskMicroseconds": round(statistics.median(_sub_task() for _ in range(REPEATS)), 1),
            "singleTaskMicroseconds": round(statistics.median(_single_task()), 1),
            "callMicroseconds": round(statistics.median(_call() for _ in range(REPEATS)), 1),
        }


def _sub_task() -> float:
    small, large = (_chunk(size) for size in CHUNK_SIZES)
    return (large - small) / (CHUNK_SIZES[1] - CHUNK_SIZES[0]) * MICRO


def _chunk(size: int) -> float:
    """Seconds that a worker takes for one chunk of so many sub-tasks, with AWS in memory."""
    name = f"chunk{size}"
    if find_task_type(name) is None:
        TaskType(name, chunk_size=size).sub_task(lambda event, context: {"fed": event.input["key"]})
    stack = MemoryStack()
    stack.service.create_step_function_task(TENANT, name, list(elements(size)))
    stack.relay_one()
    [payload] = stack.memory.executions.inputs.values()
    stack.invoke("plan", {"input": payload, "executionArn": "here"})
    worker = ChunkWorker(cast("Cloud", stack.memory), HandlerRouter())  # with the clock of production
    seconds = _timed(lambda: worker.handle({**payload, "chunk": 0}, lambda: INVOCATION_SECONDS))
    chunk = next(stack.memory.table.chunks(TENANT, payload["sk"].split("#")[1]))
    if chunk.succeeded != size:
        raise AssertionError(f"{chunk.succeeded} of {size} sub-tasks ran")
    return seconds


def _single_task() -> Iterator[float]:
    """Microseconds of the queue worker for a task: all of it but boto3, whose answers are recorded."""
    with MotoStack() as stack:
        stack.service.create_task(TENANT, "tiny", {"key": "value1"})
        stack.relay_one()
        settings, recorded = stack.resources.settings("QueueFunction"), Recorded(worker_client)
        url = stack.resources.name("TaskQueue")
        [message] = driver_client("sqs").receive_message(QueueUrl=url)["Messages"]
        record = {"messageId": "1", "receiptHandle": message["ReceiptHandle"], "body": message["Body"]}
        with stack.calls.of("queue"):
            QueueWorker(Cloud(settings, recorded.client), HandlerRouter(), stack.clock).handle(record, _remaining)
    worker = QueueWorker(Cloud(settings, recorded.replayed), HandlerRouter(), stack.clock)
    for _ in range(SINGLE_TASKS):
        recorded.rewind()
        yield _timed(lambda: worker.handle(record, _remaining)) * MICRO


def _remaining() -> float:
    return INVOCATION_SECONDS


def _call() -> float:
    """Microseconds of boto3 for one GetItem of a task whose answer is at hand."""
    task = MemoryStack().service.create_task(TENANT, "tiny", {"key": "value1"})
    body = json.dumps({"Item": encode_item(task.to_item())}).encode()
    key = {"pk": {"S": task.pk}, "sk": {"S": task.sk}}
    events, name = worker_client("dynamodb").meta.events, "before-send.dynamodb.GetItem"

    def answer(request: Any, **_: Any) -> AWSResponse:
        headers = HTTPHeaders.from_dict({"content-type": "application/x-amz-json-1.0"})
        return AWSResponse(request.url, 200, headers, _Body(body))

    events.register_first(name, answer)
    try:
        get = worker_client("dynamodb").get_item
        return _timed(lambda: [get(TableName="tasks", Key=key) for _ in range(CALLS)]) / CALLS * MICRO
    finally:
        events.unregister(name, answer)


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        """The body in one piece."""
        yield self.read()


class _Nowhere:
    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


@contextmanager
def _silent() -> Iterator[None]:
    handler = cast("Any", logger.registered_handler)
    before = handler.setStream(_Nowhere())
    try:
        yield
    finally:
        handler.setStream(before)


def _timed(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
