"""Design, section 9: what the happy path costs, counted at the client, with the state machine of the template."""

import pytest
from serverless_tasks import TaskStatus, TaskType
from serverless_tasks.core.dynamodb.sizes import item_size, write_units

from tests.support.calls import Calls
from tests.support.moto_stack import MotoStack
from tests.support.stacks import fan_out, fan_out_of, single
from tests.support.table_writes import writes

IN_LANE = [
    # N, C, writes = 5 + 4C, reads = 3 + C, worker calls = C + 2
    (0, 0, 5, 3, 2),
    (1, 1, 9, 4, 3),
    (7, 7, 33, 10, 9),
    (40, 40, 165, 43, 42),
    (100, 34, 141, 37, 36),
]
FAN_OUTS = [
    # N, C, writes = 5 + 4C, reads = 5 + C, worker calls = C + 3, transitions = 7 + C, and of a distributed map 7 + 2C
    (0, 0, 5, 3, 2, 4),  # nothing to run: plan, then finish
    (1, 1, 9, 6, 4, 8),
    (7, 7, 33, 12, 10, 14),
    (100, 34, 141, 39, 37, 41),
    (1000, 40, 165, 45, 43, 47),
]
NO_LANE = pytest.mark.parametrize("stack", [{"FastLane": "false"}], indirect=True)


def table_writes(calls: Calls) -> int:
    return calls.count("dynamodb", "PutItem", "UpdateItem")


def table_reads(calls: Calls) -> int:
    return calls.count("dynamodb", "GetItem", "Query")


def worker_calls(calls: Calls) -> int:
    return len([name for name in calls.invocations if name in ("queue", "plan", "chunk", "finish")])


def test_a_single_task_costs_what_the_design_says(stack: MotoStack) -> None:
    TaskType("cat").task(lambda event, context: {"fed": event.input})

    # WHEN a task goes its usual way
    single(stack, {"key": "value1"})

    # THEN the calls are these and no others
    calls = stack.calls
    assert (table_writes(calls), table_reads(calls), calls.count("dynamodb")) == (4, 1, 5)
    assert [call.operation for call in calls.of_service("sqs")] == ["SendMessageBatch", "ChangeMessageVisibility"]
    assert (worker_calls(calls), calls.count("sns"), calls.count("s3"), calls.count("stepfunctions")) == (1, 1, 0, 0)


@pytest.mark.parametrize("length", [1, 350])
def test_a_single_task_up_to_a_kilobyte_takes_seven_write_units(stack: MotoStack, length: int) -> None:
    TaskType("cat").task(lambda event, context: {"fed": True})

    single(stack, "x" * length)

    # THEN by_tenant is written once, attention at the beginning and the end
    made = list(writes(stack.resources))
    assert max(item_size(after) for _, after in made) <= 1024
    assert [write_units(before, after) for before, after in made] == [3, 1, 1, 2]


@pytest.mark.parametrize(("count", "chunks", "written", "read", "invoked"), IN_LANE)
def test_a_short_list_costs_an_express_execution_and_no_transition(
    stack: MotoStack, count: int, chunks: int, written: int, read: int, invoked: int
) -> None:
    TaskType("cat").sub_task(lambda event, context: {"fed": event.input["key"]})

    # WHEN a list of which the item says that it is short goes its usual way
    task = fan_out(stack, [{"key": f"value{n}"} for n in range(count)])

    # THEN no Standard execution was started
    assert (task.status, len(task.done_chunks)) == (TaskStatus.COMPLETED, chunks)
    calls, usage = stack.calls, stack.state_machine.usage
    assert (usage.transitions, usage.express_requests, stack.state_machine.executions) == (0, 1, {})
    assert task.execution_arn in stack.fast_lane.executions

    # AND the calls are these and no others
    assert (table_writes(calls), table_reads(calls)) == (written, read)
    assert calls.count("dynamodb") == written + read
    assert worker_calls(calls) == invoked <= chunks + 2
    assert (calls.count("sqs"), calls.count("sns"), calls.count("stepfunctions")) == (0, 1, 1)
    assert usage.bytes <= 1_500 + 320 * chunks


@NO_LANE
@pytest.mark.parametrize(("count", "chunks", "written", "read", "invoked", "transitions"), FAN_OUTS)
def test_a_fan_out_costs_what_the_design_says(
    stack: MotoStack, count: int, chunks: int, written: int, read: int, invoked: int, transitions: int
) -> None:
    TaskType("cat").sub_task(lambda event, context: {"fed": event.input["key"]})

    # WHEN a fan-out goes its usual way
    task = fan_out(stack, [{"key": f"value{n}"} for n in range(count)])

    # THEN the calls are these and no others
    assert (task.status, len(task.done_chunks)) == (TaskStatus.COMPLETED, chunks)
    calls, usage = stack.calls, stack.state_machine.usage
    assert (table_writes(calls), table_reads(calls)) == (written, read)
    assert calls.count("dynamodb") == written + read
    assert (worker_calls(calls), usage.transitions) == (invoked, transitions)
    assert (calls.count("sqs"), calls.count("sns"), calls.count("stepfunctions")) == (0, 1, 1)

    # AND within the budget
    assert written <= 5 + 4 * chunks
    assert read <= 6 + 2 * chunks
    assert invoked <= chunks + 3
    assert transitions <= 9 + 2 * chunks
    assert usage.bytes <= 1_500 + 320 * chunks


def test_a_payload_in_the_bucket_costs_one_request_each_way(stack: MotoStack) -> None:
    TaskType("cat").task(lambda event, context: event.input)

    single(stack, "x" * 5000)

    # THEN api and worker put an object each, and the worker reads one
    made = [(call.function, call.operation) for call in stack.calls.of_service("s3")]
    assert made == [("api", "PutObject"), ("queue", "GetObject"), ("queue", "PutObject")]
    assert table_writes(stack.calls) == 4


def test_a_fan_out_reads_its_part_of_a_large_input(stack: MotoStack) -> None:
    cat = TaskType("cat", chunk_size=5)
    cat.sub_task(lambda event, context: len(event.input))

    fan_out(stack, ["x" * 1000] * 20)

    # THEN plan reads the object once, each of the four chunks its own range of it
    reads = [call for call in stack.calls.of_service("s3", "GetObject") if call.params["Key"].endswith("input.jsonl")]
    assert [(call.function, call.params.get("Range")) for call in reads] == [
        ("plan", "bytes=0-20059"),
        ("chunk", "bytes=0-5014"),
        ("chunk", "bytes=5015-10029"),
        ("chunk", "bytes=10030-15044"),
        ("chunk", "bytes=15045-20059"),
    ]


def test_an_upload_is_looked_at_once_and_read_once_and_a_retry_reads_only_what_it_runs(stack: MotoStack) -> None:
    cat = TaskType("cat", chunk_size=1, max_attempts=1)
    cat.sub_task(lambda event, context: 1 // (event.input + context.run))
    key = fan_out_of(stack, b"1\n0\n1\n").key
    stack.service.retry_task(key)
    stack.run(key)

    read = [(call.function, call.operation, call.params.get("Range")) for call in stack.calls.of_service("s3")]
    assert read == [
        ("api", "HeadObject", None),
        ("plan", "GetObject", "bytes=0-5"),
        ("chunk", "GetObject", "bytes=0-1"),
        ("chunk", "GetObject", "bytes=2-3"),
        ("chunk", "GetObject", "bytes=4-5"),
        ("chunk", "GetObject", "bytes=2-3"),
    ]
