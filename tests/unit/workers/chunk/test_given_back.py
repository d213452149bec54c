"""A chunk worker that an error of AWS ends gives its chunk back: nobody waits for its lease, or is charged."""

from itertools import pairwise

import pytest
from botocore.exceptions import ClientError
from serverless_tasks import TaskStatus, TaskType
from serverless_tasks.testing import WorkerKilled

from tests.support.tasks import planned, statuses

REFUSED = ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "no"}}, "UpdateItem")


@pytest.fixture
def refuse(stack, monkeypatch):
    """Let the table refuse those updates for which this is true."""

    def refusing(refused):
        update = stack.memory.table.update

        def updating(change):
            if refused(change):
                raise REFUSED
            return update(change)

        monkeypatch.setattr(stack.memory.table, "update", updating)

    return refusing


def call(key, **more):
    return {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0, "holder": "a child", **more}


def first_chunk(stack, key):
    return next(stack.memory.table.chunks("mbc", key.code))


def is_release(change):
    return change.set.get("claims") == 0 and "succeeded" in change.set


def test_the_next_round_goes_on_at_once(stack, refuse):
    cat, ran, refused = TaskType("cat", chunk_size=2), [], []
    cat.sub_task(lambda event, context: ran.append(event.index))
    refuse(lambda change: is_release(change) and len(refused) < 1 and not refused.append(1))
    began = stack.clock()

    task = stack.run(planned(stack, ["a", "b"]))

    assert (task.status, ran) == (TaskStatus.COMPLETED, [0, 1, 0, 1])
    assert (stack.clock() - began).total_seconds() < 5


def test_the_error_is_the_invocation_s_and_the_chunk_is_free(stack, refuse):
    TaskType("cat").sub_task(lambda event, context: None)
    key = planned(stack, ["a"])
    refuse(is_release)

    with pytest.raises(ClientError):
        stack.invoke("chunk", call(key))

    chunk = first_chunk(stack, key)
    assert (chunk.lease_until, chunk.holder, chunk.claims, chunk.due_in(0, stack.clock())) == (None, None, 0, 0)


def test_what_was_in_flight_is_not_charged(stack, refuse):
    """An isolating worker that fails between two of its writes has killed nobody."""
    cat, ran = TaskType("cat", max_attempts=1, chunk_size=2), []

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        if len(ran) == 1:
            raise WorkerKilled

    refused = []
    key = planned(stack, ["a", "b"])
    refuse(
        lambda change: (
            "inFlight" in change.remove and "outcomes" in change.set and not refused and not refused.append(1)
        )
    )

    task = stack.run(key)

    assert refused
    assert (task.status, statuses(stack, key)) == (TaskStatus.COMPLETED, ["COMPLETED", "COMPLETED"])


def test_what_another_worker_holds_by_now_is_not_given_back(stack, refuse):
    TaskType("cat").sub_task(lambda event, context: None)
    key = planned(stack, ["a"])
    taken = []

    def another_takes_it(change):
        if is_release(change) and not taken:
            taken.append(1)
            item = next(item for item in stack.memory.table.items.values() if item["kind"] == "CHUNK")
            item |= {"attempt": 2, "holder": "another", "leaseUntil": "2026-01-01T00:15:00.000Z"}
            return True
        return False

    refuse(another_takes_it)

    with pytest.raises(ClientError):
        stack.invoke("chunk", call(key))

    chunk = first_chunk(stack, key)
    assert (chunk.holder, chunk.lease_until) == ("another", "2026-01-01T00:15:00.000Z")


def test_a_table_that_takes_nothing_leaves_the_lease_and_the_first_error(stack, refuse):
    TaskType("cat").sub_task(lambda event, context: None)
    key = planned(stack, ["a"])
    refuse(lambda change: "holder" in change.remove)

    with pytest.raises(ClientError):
        stack.invoke("chunk", call(key))

    assert first_chunk(stack, key).lease_until is not None


def test_it_ends_where_nothing_helps(stack, refuse):
    cat, ran = TaskType("cat"), []
    cat.sub_task(lambda event, context: ran.append(stack.clock()))
    refuse(is_release)

    task = stack.run(planned(stack, ["a"]))

    waits = [(after - before).total_seconds() for before, after in pairwise(ran)]
    assert task.error["type"] == "WorkerLost"
    assert [round(wait) for wait in waits] == [0, 60, 120, 240, 480, *[900] * 5]


def test_a_chunk_that_gets_on_every_time_does_not_give_up(stack, refuse):
    cat, flushes = TaskType("cat", chunk_size=200), []

    @cat.sub_task
    def handle(event, context):
        stack.clock.advance(6)

    def every_third_flush(change):
        return (
            "outcomes" in change.set and change.set["claims"] == 1 and not flushes.append(1) and len(flushes) % 3 == 0
        )

    refuse(every_third_flush)
    began = stack.clock()

    task = stack.run(planned(stack, list(range(100))))

    assert (task.status, task.attributes["subTaskSucceedCount"]) == (TaskStatus.COMPLETED, 100)
    assert (stack.clock() - began).total_seconds() < 100 * 12


def test_a_death_is_charged_although_the_charge_is_refused_at_first(stack, refuse):
    cat, ran, refused = TaskType("cat", max_attempts=1, chunk_size=2), [], []

    @cat.sub_task
    def handle(event, context):
        ran.append(event.index)
        if event.index == 0:
            raise WorkerKilled

    def is_the_charge(change):
        return "outcomes" in change.set and ran == [0, 0] and len(refused) < 3 and not refused.append(1)

    refuse(is_the_charge)
    key = planned(stack, ["a", "b"])

    stack.run(key)

    assert (ran, statuses(stack, key)) == ([0, 0, 1], ["FAILED", "COMPLETED"])
    assert len(refused) == 3
