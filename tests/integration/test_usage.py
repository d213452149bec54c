"""Usage as the API shows it is what a meter counts at the clients, to the unit, on every way that goes well."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from serverless_tasks import Backoff, LostRace, PermanentError, TaskEntity, TaskType
from serverless_tasks.adapters.meter import CLOSING_MILLISECONDS
from serverless_tasks.core.dynamodb.expressions import Update, equals
from serverless_tasks.core.task import transitions
from serverless_tasks.core.usage.amounts import Usage
from serverless_tasks.core.usage.costs import PASSING_MILLISECONDS, RELAY_MEGABYTES
from serverless_tasks.testing import WorkerKilled

from tests.support.calls import SERVICES
from tests.support.clients import driver_client, worker_client
from tests.support.meter import Meter
from tests.support.moto_stack import MotoStack
from tests.support.resources import memory, properties
from tests.support.units import indexes_of

Create = Callable[[MotoStack], TaskEntity]


def a_task(value: Any, key: str | None = None) -> Create:
    return lambda stack: stack.service.create_task("mbc", "cat", value, idempotency_key=key)


def a_fan_out(elements: Sequence[Any]) -> Create:
    return lambda stack: stack.service.create_step_function_task("mbc", "cat", elements)


def an_upload(body: bytes) -> Create:
    def create(stack: MotoStack) -> TaskEntity:
        upload = stack.service.create_upload("mbc", "csv")
        with stack.calls.unheard():
            stack.upload(upload, body)
        return stack.service.create_step_function_task("mbc", "cat", input_ref=upload.input_ref)

    return create


WAYS = {
    "a single task": a_task({"key": "value1"}),
    "with its input in the item": a_task("x" * 4000),
    "with its input in the bucket": a_task("x" * 5000),
    "with an idempotency key": a_task(1, "k"),
    "an empty fan-out": a_fan_out([]),
    "a fan-out of 7": a_fan_out([{"key": f"value{n}"} for n in range(7)]),
    "a fan-out of 100": a_fan_out([{"key": f"value{n}"} for n in range(100)]),
    "a fan-out in the bucket": a_fan_out(["x" * 5000] * 20),
    "an upload": an_upload(b"a header,of some length\n" + b"1,2\n" * 20),
}


def used(stack: MotoStack, create: Create) -> tuple[TaskEntity, dict[str, Any], dict[str, Any]]:
    """The task at its end, its usage, and what was counted at the clients."""
    made = stack.calls.made  # the stack hides its own looks behind another list
    meter = Meter(indexes_of(properties("TasksTable")), wanted=lambda: stack.calls.made is made)
    with meter.listening(*map(worker_client, SERVICES)):
        with stack.invocation("api"):
            key = create(stack).key
        task = stack.run(key)
        while stack.step():
            pass
    of = meter.calls
    sent = meter.message_requests["sqs"] + meter.messages["sqs"]
    received = Counter(stack.calls.invocations)["queue"]
    counted = {
        "writeUnits": meter.write_units + meter.index_write_units,
        "readUnits": meter.read_units,
        "invocations": len(stack.calls.invocations),
        "stateTransitions": stack.state_machine.usage.transitions,
        "expressRequests": stack.state_machine.usage.express_requests,
        "expressSeconds": stack.state_machine.usage.express_milliseconds / 1000,
        "payloadWrites": of["s3.PutObject"],
        "payloadReads": of["s3.GetObject"] + of["s3.HeadObject"],  # the same price
        # Lambda's own requests: it receives a message for each invocation, and deletes each message once.
        "queueRequests": sent + of["sqs.ChangeMessageVisibility"] + received,
        "publishes": meter.message_requests["sns"],
    }
    return task, stack.service.usage_of(task), counted


@pytest.mark.parametrize("stack", [{}, {"FastLane": "false"}], indirect=True, ids=["", "without a lane"])
@pytest.mark.parametrize("way", WAYS)
def test_usage_is_what_is_counted_at_the_clients(stack: MotoStack, way: str) -> None:
    cat = TaskType("cat")
    cat.task(lambda event, context: event.input)
    cat.sub_task(lambda event, context: event.input)
    cat.finished(lambda event, outcomes: [outcome.index for outcome in outcomes])

    task, usage, counted = used(stack, WAYS[way])

    assert task.status == "COMPLETED"
    assert {name: usage[name] for name in counted} == counted


@pytest.mark.parametrize("way", ["a single task", "a fan-out of 7"])
@pytest.mark.parametrize("end", ["COMPLETED", "FAILED"])
def test_usage_is_what_is_counted_where_no_status_is_published(way: str, end: str) -> None:
    def handle(event: Any, context: Any) -> None:
        if end == "FAILED":
            raise PermanentError("no food")

    cat = TaskType("cat")
    cat.task(handle)
    cat.sub_task(handle)

    with MotoStack(StatusMessages="none", FairQueue="false") as stack:
        task, usage, counted = used(stack, WAYS[way])

    assert task.status == end
    assert {name: usage[name] for name in counted} == counted
    assert (counted["publishes"], stack.calls.invocations.count("relay")) == ((0, 1) if end == "COMPLETED" else (1, 2))


@pytest.mark.parametrize("stack", [{"FastLane": "false"}], indirect=True)
def test_a_fan_out_of_many_looks_is_counted_like_one_of_few(stack: MotoStack) -> None:
    # GIVEN a sub-task that fails twice, each time with a wait of ten minutes
    cat = TaskType("cat", max_attempts=3, chunk_size=2, backoff=Backoff(base=600, factor=1, cap=600))

    @cat.sub_task
    def handle(event: Any, context: Any) -> None:
        if event.index == 0 and context.attempt < 3:
            raise ValueError("no food")

    # WHEN it runs, in three rounds with two waits in between
    task, usage, counted = used(stack, a_fan_out([1, 2, 3]))

    # THEN what the plans did that wrote nothing is counted, too
    assert (task.status, stack.calls.invocations.count("plan")) == ("COMPLETED", 6)
    assert {name: usage[name] for name in counted} == counted


def test_a_retry_counts_nothing_twice(stack: MotoStack) -> None:
    # GIVEN a fan-out of which one chunk fails for good
    cat = TaskType("cat", max_attempts=1, chunk_size=1)
    cat.sub_task(lambda event, context: event.input // context.run if event.index else 1)

    # WHEN it is retried
    def fails_once(stack: MotoStack) -> TaskEntity:
        task = stack.run(a_fan_out([1, 2])(stack).key)
        with stack.invocation("api"):
            return stack.service.retry_task(task.key)

    task, usage, counted = used(stack, fails_once)

    # THEN both runs are in its usage, once
    assert (task.status, task.run) == ("COMPLETED", 1)
    assert {name: usage[name] for name in counted} == counted


def test_time_is_that_of_every_invocation_times_its_memory(stack: MotoStack) -> None:
    # GIVEN a handler that takes ten seconds
    TaskType("cat").task(lambda event, context: stack.clock.advance(10))

    _, usage, _ = used(stack, a_task(1))

    # THEN they are counted, and an estimate of what each invocation takes after its last write
    closing = CLOSING_MILLISECONDS * (memory("ApiFunction") + memory("RelayFunction") + memory("QueueFunction"))
    passing = PASSING_MILLISECONDS * RELAY_MEGABYTES
    seconds = (10_000 * memory("QueueFunction") + closing + passing) / 1024 / 1000
    assert usage["gigabyteSeconds"] == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("stack", [{"FastLane": "false"}], indirect=True)
def test_a_worker_that_dies_takes_with_it_what_it_had_not_written(stack: MotoStack) -> None:
    cat, died = TaskType("cat", chunk_size=2), list[int]()

    @cat.sub_task
    def handle(event: Any, context: Any) -> None:
        if event.index == 1 and not died:
            died.append(1)
            raise WorkerKilled

    task, usage, counted = used(stack, a_fan_out([1, 2, 3]))

    # THEN nothing is counted twice, and of the dead worker all up to its last write
    assert task.status == "COMPLETED"
    assert usage["writeUnits"] == counted["writeUnits"]
    assert usage["invocations"] == counted["invocations"]


def test_of_a_batch_of_the_relay_each_task_pays_its_part(stack: MotoStack) -> None:
    # GIVEN two tasks whose records come in one invocation
    tasks = [stack.service.create_task("mbc", "cat", number) for number in range(2)]
    before = [stack.task(task.key).usage for task in tasks]

    with stack.invocation("relay"):
        assert stack.relay.handle(stack.stream.waiting()) == []

    # THEN each pays for its own message and write, the first one for the invocation and the request that sends both
    [first, second] = [stack.task(task.key).usage for task in tasks]
    assert (first.queue_requests, second.queue_requests) == (2, 1)
    assert (first.write_units, second.write_units) == (before[0].write_units + 1, before[1].write_units + 1)
    assert (first.invocations, second.invocations) == (1, 0)


def test_code_outside_of_a_function_counts_its_writes_alone(stack: MotoStack) -> None:
    task = stack.service.create_task("mbc", "cat", "x" * 5000)
    stack.service.get_task(task.key)

    assert task.usage == Usage(write_units=3)
    assert stack.service.cancel_task(task.key).usage == Usage(write_units=3 + 2)


def test_another_s_item_gets_no_attributes_of_ours(stack: MotoStack) -> None:
    foreign = {"pk": {"S": "ours"}, "sk": {"S": "not"}, "n": {"N": "1"}}
    driver_client("dynamodb").put_item(TableName="tasks", Item=foreign)

    with stack.calls.of("sweeper"):  # which comes upon such items
        item = stack.clouds["sweeper"].table.update(Update("ours", "not", (equals("n", 1),), set={"n": 2}))

    assert item == {"pk": "ours", "sk": "not", "n": 2}


def test_what_the_api_reads_to_cancel_a_task_is_the_task_s(stack: MotoStack) -> None:
    task = stack.service.create_task("mbc", "cat", 1)

    with stack.invocation("api"):
        found = stack.service.find_task("mbc", "cat", task.code)
        assert found
        task = stack.service.cancel_task(found.key)

    # THEN two keys are looked up, of which one is none, and the task is read again
    assert (task.usage.read_units, task.usage.invocations) == (3, 1)


def test_the_usage_of_a_refused_write_is_recorded_by_the_next_one(stack: MotoStack) -> None:
    table = stack.clouds["queue"].table
    task = stack.service.create_task("mbc", "cat", "x" * 2000)
    stale = replace(task, version=9)

    with stack.invocation("queue"):
        with pytest.raises(LostRace):
            table.update_task(transitions.queued(stale, stack.clock()), stale)
        after = table.update_task(transitions.queued(task, stack.clock()), task)

    # THEN both are billed by an item of three kilobytes
    assert after.usage.write_units == task.usage.write_units + 3 + 3
    assert after.usage.invocations == 1


def test_an_item_that_others_have_grown_is_put_right_by_the_next_write(stack: MotoStack) -> None:
    # GIVEN a writer that knows an item of one kilobyte, which has five by now
    table = stack.clouds["queue"].table
    task = stack.service.create_task("mbc", "cat", 1)
    table.update(Update(task.pk, task.sk, (equals("version", 0),), set={"other": "x" * 4500}))
    known = task.usage.write_units + 5

    with stack.invocation("queue"):
        first = table.update_task(transitions.queued(task, stack.clock()), task)
        second = table.update_task(transitions.claimed(first, stack.clock(), stack.clock(), {"maxAttempts": 3}), first)

    assert first.usage.write_units < known + 5
    assert second.usage.write_units == known + 5 + 1
