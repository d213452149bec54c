"""The table adapter where moto always behaves and AWS does not: faults, half-done batches, pages, cancelled puts."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY
from serverless_tasks import LostRace, TaskKey
from serverless_tasks.adapters.table import UNPROCESSED_TRIES, TaskTable
from serverless_tasks.core.dynamodb.expressions import Put, Update, equals

from tests.support.clients import driver_client
from tests.support.moto_stack import MotoStack
from tests.support.stubs import stubbed

KEYS = [TaskKey("TASK#mbc", f"cat#{number}") for number in range(3)]
UPDATE = Update("TASK#mbc", "cat#0", set={"status": "QUEUED"}, conditions=(equals("status", "CREATED"),))
PUT = Put({"pk": "TASK#mbc", "sk": "cat#0", "kind": "TASK"})


def typed(key: TaskKey) -> dict[str, Any]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def asked(keys: list[TaskKey]) -> dict[str, Any]:
    return {"RequestItems": {"tasks": {"Keys": [typed(key) for key in keys], "ConsistentRead": True}}}


def test_what_a_batch_leaves_unprocessed_is_asked_for_again() -> None:
    with stubbed("dynamodb") as (client, stub):
        # GIVEN a table that answers one key at a time
        for number in range(3):
            left = {"tasks": {"Keys": [typed(key) for key in KEYS[number + 1 :]], "ConsistentRead": True}}
            answer = {"Responses": {"tasks": [typed(KEYS[number])]}, "UnprocessedKeys": left if number < 2 else {}}
            stub.add_response("batch_get_item", answer, asked(KEYS[number:]))

        # WHEN three are read
        pauses: list[float] = []
        found = TaskTable(client, "tasks", sleep=pauses.append, rand=lambda: 0.5).batch_get(KEYS, ConsistentRead=True)

    # THEN all three came, with a pause before each further request
    assert list(found) == KEYS
    assert pauses == [0.025, 0.05]


def test_what_a_batch_leaves_for_ever_is_a_throttle() -> None:
    with stubbed("dynamodb") as (client, stub):
        # GIVEN a table that answers nothing
        for _ in range(UNPROCESSED_TRIES):
            left = {"tasks": {"Keys": [typed(KEYS[0])]}}
            stub.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": left})

        # WHEN an item is read
        pauses: list[float] = []
        with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
            TaskTable(client, "tasks", sleep=pauses.append, rand=lambda: 1.0).batch_get(KEYS[:1])

    # THEN the pauses grew up to their cap, and there was none without a request behind it
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1, 1]


def test_nothing_is_asked_for_no_keys() -> None:
    with stubbed("dynamodb") as (client, _):
        assert TaskTable(client, "tasks").batch_get([]) == {}


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "AccessDeniedException", "InternalError"])
@pytest.mark.parametrize(
    ("operation", "act"),
    [
        ("update_item", lambda table: table.update(UPDATE)),
        ("put_item", lambda table: table.put(PUT)),
        ("transact_write_items", lambda table: table.put_all([PUT, PUT])),
        ("get_item", lambda table: table.get(KEYS[0])),
        ("query", lambda table: list(table.chunks("mbc", "code"))),
        ("batch_get_item", lambda table: table.batch_get(KEYS)),
    ],
)
def test_a_fault_of_aws_is_no_lost_race(operation: str, act: Any, code: str) -> None:
    with stubbed("dynamodb") as (client, stub):
        stub.add_client_error(operation, code)

        with pytest.raises(ClientError, match=code):
            act(TaskTable(client, "tasks"))


@pytest.mark.parametrize("act", ["update", "put"])
def test_a_lost_race_has_the_item_that_was_there(stack: MotoStack, act: str) -> None:
    table = stack.cloud("QueueFunction").table
    found = {"pk": "TASK#mbc", "sk": "cat#0", "status": "COMPLETED", "kind": "TASK", "doneChunks": frozenset({3})}
    with stack.calls.of("api"):
        found = table.put(Put(found))

        with pytest.raises(LostRace) as lost:
            table.update(UPDATE) if act == "update" else table.put(PUT)

    assert lost.value.item == found


def test_an_update_of_nothing_has_no_item(stack: MotoStack) -> None:
    with stack.calls.of("queue"), pytest.raises(LostRace) as lost:
        stack.cloud("QueueFunction").table.update(UPDATE)

    assert lost.value.item is None


REASONS = [
    ([{"Code": "ConditionalCheckFailed", "Item": {"pk": {"S": "there"}}}, {"Code": "None"}], {"pk": "there"}),
    ([{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"pk": {"S": "there"}}}], {"pk": "there"}),
    ([{"Code": "TransactionConflict"}, {"Code": "None"}], None),
]


@pytest.mark.parametrize(("reasons", "item"), REASONS)
def test_two_puts_that_were_too_late_are_a_lost_race(reasons: list[Any], item: Any) -> None:
    with stubbed("dynamodb") as (client, stub):
        error = "TransactionCanceledException"
        stub.add_client_error("transact_write_items", error, modeled_fields={"CancellationReasons": reasons})

        with pytest.raises(LostRace) as lost:
            TaskTable(client, "tasks").put_all([PUT, PUT])

    assert lost.value.item == item


@pytest.mark.parametrize("code", ["ThrottlingError", "ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_two_puts_that_aws_cancelled_for_another_reason_are_not(code: str) -> None:
    with stubbed("dynamodb") as (client, stub):
        reasons = [{"Code": code}, {"Code": "None"}]
        error = "TransactionCanceledException"
        stub.add_client_error("transact_write_items", error, modeled_fields={"CancellationReasons": reasons})

        with pytest.raises(ClientError, match=error):
            TaskTable(client, "tasks").put_all([PUT, PUT])


def test_two_puts_are_made_both_or_none(stack: MotoStack) -> None:
    table = stack.cloud("ApiFunction").table
    first = table.put(PUT)
    other = Put({"pk": "TASK#mbc", "sk": "cat#1", "kind": "TASK"})

    with pytest.raises(LostRace) as lost:
        table.put_all([other, PUT])

    assert lost.value.item == first
    assert table.item(KEYS[1]) is None
    table.put_all([other, Put({"pk": "TASK#mbc", "sk": "cat#2", "kind": "TASK"})])
    assert table.item(KEYS[1]) == other.item


def test_the_chunks_come_page_by_page_as_they_are_asked_for(stack: MotoStack) -> None:
    # GIVEN chunks of more than a megabyte together, and another task's
    client = driver_client("dynamodb")
    for code, number in [("A", number) for number in range(6)] + [("B", 0)]:
        item = {"pk": f"SUB_TASK#mbc#{code}", "sk": f"{number:06d}", "outcomes": "x" * 300_000}
        numbers = {"number": number, "first": number, "count": 1, "run": 0, "attempt": 0, "succeeded": 0, "failed": 0}
        values = {n: {"S": v} for n, v in item.items()} | {n: {"N": str(v)} for n, v in numbers.items()}
        client.put_item(TableName="tasks", Item=values)
    table = stack.cloud("PlanFunction").table

    with stack.calls.of("plan"):
        # WHEN the first is read, THEN one page was
        chunks = table.chunks("mbc", "A")
        assert next(chunks).number == 0
        assert stack.calls.count("dynamodb", "Query") == 1

        # AND all come in order, and strongly consistent
        assert [chunk.number for chunk in chunks] == [1, 2, 3, 4, 5]
        assert stack.calls.count("dynamodb", "Query") > 1
        assert [chunk.number for chunk in table.chunks("mbc", "A", first=4)] == [4, 5]
    assert all(call.params["ConsistentRead"] for call in stack.calls.made)


def test_a_read_of_a_task_is_strongly_consistent() -> None:
    with stubbed("dynamodb") as (client, stub):
        stub.add_response("get_item", {}, {"TableName": "tasks", "Key": typed(KEYS[0]), "ConsistentRead": True})

        assert TaskTable(client, "tasks").get(KEYS[0]) is None


def test_what_is_due_is_asked_of_the_index_oldest_first() -> None:
    with stubbed("dynamodb") as (client, stub):
        wanted = {
            "TableName": "tasks",
            "IndexName": "attention",
            "KeyConditionExpression": "attention = :a AND dueAt <= :until",
            "ExpressionAttributeValues": ANY,
            "Limit": 100,
        }
        stub.add_response("query", {"Items": [typed(KEYS[0])]}, wanted)

        assert TaskTable(client, "tasks").due("OPEN#3", "2026-01-01T00:00:00.000Z", 100) == KEYS[:1]
