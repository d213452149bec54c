"""Runs tasks over moto with the layer's real adapters, and counts the calls of each at the clients.

State transitions and bytes are those of the definitions in ``statemachine/`` played by tests/support. Nothing is
extrapolated: a list of a million elements is really run.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from serverless_tasks import Caller, TaskKey, TaskKind

from benchmarks import logs
from benchmarks.uploaded import TENANT, create, elements
from tests.support.calls import SERVICES
from tests.support.clients import worker_client
from tests.support.meter import Meter
from tests.support.moto_stack import MotoStack
from tests.support.resources import properties
from tests.support.units import indexes_of

UPLOADED_FROM = 100_000
"""Lists from here on are put into the bucket beforehand, as an API body holds no more than 3 MB."""
CALLER = Caller("e774caf8-0051-70e2-5f63-272f041b56a9", "203.0.113.7", "1-67891233-abcdef012345678912345678")
"""The creator of a task is part of its item, and so of its size."""


@dataclass(frozen=True)
class Counts:
    """Counts of one task, or of several at once, from creation to the last message about the end."""

    n: int
    chunks: int
    writes: int
    write_units: int
    index_write_units: int
    reads: int
    read_units: float
    messages: int
    """On the task queue."""
    sends: int
    """Requests billed for them."""
    visibility_changes: int
    publishes: int
    """Requests billed for messages to the topics."""
    puts: int
    gets: int
    transitions: int
    state_bytes: int
    largest_item: int
    invocations: dict[str, int] = field(default_factory=dict)
    """By function; of the relay, one for each batch of records that its filter lets through."""
    log_bytes: dict[str, int] = field(default_factory=dict)
    """By function, without the platform's own lines."""
    calls: dict[str, dict[str, int]] = field(default_factory=dict)
    """By function and service."""
    tasks: int = 1
    express_requests: int = 0
    """Executions of the fast lane."""

    @property
    def worker_invocations(self) -> int:
        """Without api and relay."""
        return sum(count for name, count in self.invocations.items() if name not in ("api", "relay"))


LEAN = {"StatusMessages": "none", "FairQueue": "false"}
"""Parameters of a stack that publishes no status, and whose messages name no group."""


def single(**parameters: str) -> Counts:
    """One single task, in a stack with these parameters of the template."""
    return _counted(0, _create, **parameters)


def singles(count: int) -> Counts:
    """So many single tasks in full batches of the relay: all are created, and have ended, before it runs."""
    with _measured() as (stack, meter, written):
        stack.relay_batch = count
        keys = [_create(stack) for _ in range(count)]
        stack.relay_one()
        while stack.work_one():
            pass
        stack.relay_one()
        if any(stack.task(key).status != "COMPLETED" for key in keys):
            raise AssertionError("a task has not ended")
        return _summed(0, stack, meter, written, count)


def _create(stack: MotoStack) -> TaskKey:
    logs.log_request()
    return stack.service.create_task(TENANT, "tiny", {"key": "value1"}, caller=CALLER).key


def fan_out(count: int, task_type: str = "tiny", *, uploaded: bool = False) -> Counts:
    """One Step Functions task of so many elements."""

    def begin(stack: MotoStack) -> TaskKey:
        logs.log_request()
        if uploaded or count >= UPLOADED_FROM:
            return create(stack.cloud("ApiFunction"), stack.clock, task_type, count).key
        given = list(elements(count))
        return stack.service.create_step_function_task(TENANT, task_type, given, caller=CALLER).key

    return _counted(count, begin)


@contextmanager
def _measured(**parameters: str) -> Iterator[tuple[MotoStack, Meter, Counter[str]]]:
    """A stack, the calls of its clients, and the bytes that its functions logged."""
    stack = MotoStack(**parameters)
    made = stack.calls.made  # the stack hides its own looks behind another list
    meter = Meter(indexes_of(properties("TasksTable")), wanted=lambda: stack.calls.made is made)
    with stack, meter.listening(*map(worker_client, SERVICES)), logs.counted(lambda: _latest(stack)) as written:
        yield stack, meter, written


def _counted(count: int, begin: Callable[[MotoStack], TaskKey], **parameters: str) -> Counts:
    with _measured(**parameters) as (stack, meter, written):
        key = begin(stack)
        task = stack.run(key)
        if task.status != "COMPLETED" or (key.kind is TaskKind.SFN_TASK and task.progress != 1):
            raise AssertionError(f"{task.id} ended {task.status}: {task.error}")
        return _summed(count, stack, meter, written)


def _latest(stack: MotoStack) -> str:
    return stack.calls.invocations[-1] if stack.calls.invocations else "api"


def _summed(count: int, stack: MotoStack, meter: Meter, written: Counter[str], tasks: int = 1) -> Counts:
    calls: dict[str, Counter[str]] = {}
    for call in stack.calls.made:
        calls.setdefault(call.function, Counter())[call.service] += 1
    invocations = Counter(stack.calls.invocations)
    usage: Any = stack.state_machine.usage
    of = meter.calls
    return Counts(
        n=count,
        chunks=invocations["chunk"],
        writes=of["dynamodb.PutItem"] + of["dynamodb.UpdateItem"],
        write_units=meter.write_units,
        index_write_units=meter.index_write_units,
        reads=of["dynamodb.GetItem"] + of["dynamodb.Query"],
        read_units=meter.read_units,
        messages=meter.messages["sqs"],
        sends=meter.message_requests["sqs"],
        visibility_changes=of["sqs.ChangeMessageVisibility"],
        publishes=meter.message_requests["sns"],
        puts=of["s3.PutObject"],
        gets=of["s3.GetObject"] + of["s3.HeadObject"],
        transitions=usage.transitions,
        state_bytes=usage.bytes,
        largest_item=meter.largest_item,
        invocations={"api": tasks, **dict(sorted(invocations.items()))},
        log_bytes=dict(sorted(written.items())),
        calls={function: dict(sorted(made.items())) for function, made in sorted(calls.items())},
        tasks=tasks,
        express_requests=usage.express_requests,
    )
