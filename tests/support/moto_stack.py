"""The whole stack over moto: the template's resources, the layer's real adapters, AWS's part played step by step.

It is driven as :class:`serverless_tasks.testing.MemoryStack` is, so that one test can run on both. What moto leaves
out is played here: the event source of the stream with its filter, the one of the queue, and the state machine. Time is
virtual, moto's included.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Self
from unittest.mock import patch
from uuid import uuid4

from botocore.exceptions import ClientError
from moto.sqs.models import Message, sqs_backends
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core.fan_out.lifetimes import INVOCATION_SECONDS
from serverless_tasks.core.inputs.uploads import Upload
from serverless_tasks.core.task.entity import SubTaskEntity, TaskEntity
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.service.task_service import TaskService
from serverless_tasks.testing import VirtualClock, WorkerKilled
from serverless_tasks.testing.stack import MAX_STEPS, passed_on
from serverless_tasks.workers.batches import Redeliver
from serverless_tasks.workers.chunk.run import ChunkWorker
from serverless_tasks.workers.finisher import Finisher
from serverless_tasks.workers.planner import Planner
from serverless_tasks.workers.queue_worker import QueueWorker
from serverless_tasks.workers.relay import Relay
from serverless_tasks.workers.sweeper import Sweeper
from serverless_tasks.workers.user_code.routing import HandlerRouter

from tests.support.asl import Execution, Usage
from tests.support.calls import Call, Calls
from tests.support.clients import ACCOUNT, REGION, driver_client, quick_moto, worker_client
from tests.support.expressions import check_request
from tests.support.permissions import missing
from tests.support.played import ExpressStateMachine, StateMachine, Stream
from tests.support.resources import Resources, memory
from tests.support.subscriber import Subscriber

FUNCTIONS = ("api", "relay", "queue", "plan", "chunk", "finish", "sweeper")


class MotoStack:
    """Runs tasks to their end: ``with MotoStack() as stack: stack.run(stack.service.create_task(…).key)``."""

    def __init__(self, router: HandlerRouter | None = None, **parameters: str) -> None:
        self.clock = VirtualClock()
        self.calls = Calls()
        self._router = router or HandlerRouter()
        self._parameters = parameters
        self.relay_batch = 1
        self._ticks = 0

    def __enter__(self) -> Self:
        with ExitStack() as undo:  # one that cannot begin leaves no moto behind, whose table others would meet
            self._exit = undo
            self._begin()
            self._exit = undo.pop_all()
        return self

    def _begin(self) -> None:
        self._exit.enter_context(quick_moto())
        for module in ("moto.core.utils", "moto.s3.models"):  # the second has a name of its own for it
            self._exit.enter_context(patch(f"{module}.utcnow", self._moto_now))
        self.resources = Resources(**self._parameters)
        self.stream = Stream(self.resources, "RelayFunction")
        usage = Usage()
        self.state_machine = StateMachine(self.resources, "FanOutStateMachine", self._invoke, self.clock, usage)
        self.fast_lane = ExpressStateMachine(self.resources, "FastLaneStateMachine", self._invoke, self.clock, usage)
        self.topics = Subscriber(self.resources.name("StatusTopic"), self.resources.name("AlarmTopic"))
        self.calls.checks += [_check_expressions, self._check_permissions]
        self._exit.enter_context(self.calls.listening())
        always: dict[str, Any] = {"clock": self.clock, "rand": lambda: 1.0}
        slept: dict[str, Any] = {**always, "sleep": self.clock.advance}
        router = self._router
        self.clouds = {name: self.cloud(f"{name.capitalize()}Function") for name in FUNCTIONS}
        self.service = _Service(self)
        self.relay = Relay(self.clouds["relay"], clock=self.clock)
        self.queue_worker = QueueWorker(self.clouds["queue"], router, **always)
        self.planner = Planner(self.clouds["plan"], router, self.clock)
        self.chunk_worker = ChunkWorker(self.clouds["chunk"], router, **slept)
        self.finisher = Finisher(self.clouds["finish"], router, **slept)
        self.sweeper = Sweeper(self.clouds["sweeper"], self.clock)

    def __exit__(self, *_: object) -> None:
        self._exit.close()
        if self.calls.wrong:
            raise ExceptionGroup("AWS would have refused", self.calls.wrong)

    def cloud(self, function: str) -> Cloud:
        """The adapters as the function makes them from its own environment."""
        return Cloud(self.resources.settings(function), worker_client, lambda: self.clock().timestamp())

    def run(self, key: TaskKey) -> TaskEntity:
        """Let everything happen, and time pass where nothing can, until the task has ended."""
        for _ in range(MAX_STEPS):
            if self.step():
                continue
            task = self.task(key)
            if task.status.terminal:
                return task
            self.clock.advance(self.idle_seconds() or 1)
        raise AssertionError(f"the task is still {self.task(key).status}")

    def task(self, key: TaskKey) -> TaskEntity:
        """The task as it is now, read by nobody's function."""
        with self.calls.unheard():
            task = self.service.get_task(key)
        if task is None:
            raise AssertionError(f"there is no task {key}")
        return task

    def step(self) -> bool:
        """Do one thing that can be done now; returns whether there was one."""
        return self.relay_one() or self.work_one() or any(execution.step() for execution in self._executions())

    def _executions(self) -> list[Execution]:
        return [*self.fast_lane.running(), *self.state_machine.running()]

    def relay_one(self) -> bool:
        """Pass the oldest batch of stream records on; from the first one on that failed, all stay and come again."""
        batch = self.stream.waiting()[: self.relay_batch]
        if not batch:
            return False
        with self._survived("relay"):
            del self.stream.records[: passed_on(batch, self.relay.handle(batch))]
        return True

    def give_up_one(self) -> None:
        """Keep the oldest batch of stream records in the bucket, as Lambda does after an hour of errors."""
        batch = self.stream.waiting()[: self.relay_batch]
        del self.stream.records[: self.relay_batch]
        context = {"functionArn": self.resources.arn("RelayFunction"), "condition": "RetryAttemptsExhausted"}
        document = {"requestContext": context, "payload": json.dumps({"Records": batch}, default=str)}
        key = f"aws/lambda/5d1c8b7e/shardId-0001/2026/01/01/2026-01-01T00.00.00-{uuid4()}"
        place = {"Bucket": self.resources.name("PayloadBucket"), "Key": key}
        driver_client("s3").put_object(**place, Body=json.dumps(document).encode())

    def work_one(self) -> bool:
        """Receive one visible message, hand it to the queue worker, delete it if that is done with it."""
        if not self._messages():
            return False
        client, url = driver_client("sqs"), self.resources.name("TaskQueue")
        asked = {"MaxNumberOfMessages": 1, "MessageSystemAttributeNames": ["All"]}
        received = client.receive_message(QueueUrl=url, **asked).get("Messages")
        if not received:
            return False
        [message] = received
        names = {"messageId": "MessageId", "receiptHandle": "ReceiptHandle", "body": "Body", "attributes": "Attributes"}
        record = {name: message[theirs] for name, theirs in names.items()}
        with self._survived("queue"):
            self.queue_worker.handle(record, self._invocation())
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def sweep(self) -> int:
        """Let the sweeper look at what is due; returns how many tasks it looked at."""
        with self.invocation("sweeper"):
            return self.sweeper.handle(self._invocation())

    def upload(self, upload: Upload, body: bytes) -> None:
        """Do what a client does with an upload's link."""
        target = {"Bucket": self.resources.name("PayloadBucket"), "Key": upload.input_ref}
        headers = {"ContentType": upload.headers["Content-Type"], "IfNoneMatch": upload.headers["If-None-Match"]}
        driver_client("s3").put_object(**target, Body=body, **headers)

    def send(self, body: str) -> None:
        """Put any message on the task queue."""
        driver_client("sqs").send_message(QueueUrl=self.resources.name("TaskQueue"), MessageBody=body)

    def empty_queue(self) -> None:
        """Lose every message of the task queue."""
        driver_client("sqs").purge_queue(QueueUrl=self.resources.name("TaskQueue"))

    def stop_execution(self, arn: str) -> None:
        """Stop an execution, as a person may."""
        driver_client("stepfunctions").stop_execution(executionArn=arn)

    def empty_bucket(self) -> None:
        """Lose every object."""
        client, bucket = driver_client("s3"), self.resources.name("PayloadBucket")
        for listed in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
            client.delete_object(Bucket=bucket, Key=listed["Key"])

    def dead_letters(self) -> list[tuple[str, str]]:
        """Body and reason of the dead letters since the last look."""
        url, found = self.resources.name("DeadLetterQueue"), []
        while (
            messages := driver_client("sqs")
            .receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            .get("Messages")
        ):
            found += [(m["Body"], m["MessageAttributes"]["reason"]["StringValue"]) for m in messages]
        return found

    def invoke(self, function: str, payload: Mapping[str, Any]) -> Any:
        """Call plan, chunk or finish as the state machine does: JSON in, JSON out."""
        payload = json.loads(json.dumps(payload))
        with self.invocation(function):
            match function:
                case "plan":
                    return json.loads(json.dumps(self.planner.handle(payload, self._invocation())))
                case "chunk":
                    self.chunk_worker.handle(payload, self._invocation())
                case "finish":
                    return json.loads(json.dumps(self.finisher.handle(payload, self._invocation())))
        return {}

    @contextmanager
    def invocation(self, function: str) -> Iterator[None]:
        """What is done inside is one invocation of this function."""
        self.clouds[function].meter.begin(memory(f"{function.capitalize()}Function"))
        with self.calls.of(function):
            yield

    @contextmanager
    def _survived(self, function: str) -> Iterator[None]:
        """An invocation that fails or dies is the event source's affair: message or record comes again."""
        with self.invocation(function), suppress(Redeliver, WorkerKilled, ClientError):
            yield

    def _invoke(self, arn: str, payload: Any) -> Any:
        if arn == self.resources.start_execution:
            return self._start(payload)
        names = {self.resources.arn(f"{name.capitalize()}Function"): name for name in ("plan", "chunk", "finish")}
        return self.invoke(names[arn], payload)

    def _start(self, asked: Mapping[str, Any]) -> Any:
        """What the lane asks of Step Functions itself."""
        given = {"name": asked["Name"], "input": json.dumps(asked["Input"], separators=(",", ":"))}
        try:
            return {
                "ExecutionArn": driver_client("stepfunctions").start_execution(
                    stateMachineArn=asked["StateMachineArn"], **given
                )["executionArn"]
            }
        except ClientError as error:
            raise type(f"StepFunctions.{error.response['Error']['Code']}Exception", (Exception,), {}) from error

    def _invocation(self) -> Callable[[], float]:
        ends_at = self.clock() + timedelta(seconds=INVOCATION_SECONDS)
        return lambda: (ends_at - self.clock()).total_seconds()

    def _check_permissions(self, call: Call) -> None:
        if needed := missing(call, self.resources.names, **self._parameters):
            raise PermissionError(f"{call.function} may not {needed}")

    def idle_seconds(self) -> float | None:
        """Whole seconds until a hidden message or a waiting execution is due, at least one; None when nothing is."""
        now = self.clock().timestamp()
        waits = [message.visible_at / 1000 - now for message in self._messages()]
        waits += [execution.wakes_at.timestamp() - now for execution in self._executions()]
        return max(1, math.floor(min(waits))) if waits else None

    def _messages(self) -> list[Message]:
        """All messages of the task queue, hidden ones too."""
        return list(sqs_backends[ACCOUNT][REGION].queues["TaskQueue"]._messages)

    def _moto_now(self) -> datetime:
        """Moto's clock: ours, and a microsecond more at each look, so that no two events are at the same time."""
        self._ticks += 1
        return self.clock().replace(tzinfo=None) + timedelta(microseconds=self._ticks)


class _Service(TaskService):
    """The API's. What the API has no route for, it does with the permissions of who calls it: user code in a chunk."""

    def __init__(self, stack: MotoStack) -> None:
        super().__init__(stack.clouds["api"], stack.clock)
        self._calls = stack.calls

    def update_sub_task_status(self, *arguments: Any) -> SubTaskEntity:
        with self._calls.of("chunk"):
            return super().update_sub_task_status(*arguments)


def _check_expressions(call: Call) -> None:
    if call.service == "dynamodb":
        check_request(call.operation, call.params)
