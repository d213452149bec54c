"""Bounds over moto: what they cost, that the role allows them, and the last place with many at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from botocore.endpoint import Endpoint
from serverless_tasks import BoundReached, Caller, TaskType
from serverless_tasks.core.dynamodb.sizes import item_size, write_units

from tests.support.moto_stack import MotoStack
from tests.support.table_writes import writes

ALICE = Caller("alice")


def created(stack: MotoStack, caller: Caller = ALICE) -> str:
    """A creation as of an invocation of the API: ``made``, or the bound that it met."""
    try:
        stack.service.create_task("mbc", "cat", 1, caller=caller)
    except BoundReached as reached:
        return reached.bound
    return "made"


@pytest.mark.parametrize(
    ("bounds", "units"),
    [
        ({}, [3, 1, 1, 2]),
        ({"UserTasksPerMinute": "5"}, [1, 3, 1, 1, 2]),
        ({"TenantTasksPerMinute": "5"}, [1, 3, 1, 1, 2]),
        ({"UserTasksPerMinute": "5", "TenantTasksPerMinute": "5"}, [1, 1, 3, 1, 1, 2]),
        ({"UserUploadsPerHour": "5", "TenantUploadsPerHour": "5"}, [3, 1, 1, 2]),
    ],
)
def test_each_bound_costs_a_task_one_write_unit(bounds: dict[str, str], units: list[int]) -> None:
    with MotoStack(**bounds) as stack:
        TaskType("cat").task(lambda event, context: {"fed": True})
        with stack.invocation("api"):
            task = stack.service.create_task("mbc", "cat", 1, caller=ALICE)
        ended = stack.run(task.key)

        # moto shows an item that an update creates a second time, with its keys alone
        made = [(before, after) for before, after in writes(stack.resources) if after.keys() > {"pk", "sk"}]
        assert [write_units(before, after) for before, after in made] == units
        assert ended.usage.write_units == sum(units)
        windows = [after for _, after in made if after["kind"] == "BOUND"]
        assert all(item_size(window) < 300 for window in windows)
        # AND the relay is woken by the task alone, which its filter lets through
        assert len([name for name in stack.calls.invocations if name == "relay"]) == 2


@pytest.fixture
def one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition and its write are one in DynamoDB; in moto another thread's write may come between."""
    lock, make_request = Lock(), Endpoint.make_request

    def locked(*arguments: object) -> object:
        with lock:
            return make_request(*arguments)

    monkeypatch.setattr(Endpoint, "make_request", locked)


@pytest.mark.usefixtures("one_call_at_a_time")
def test_many_at_once_are_as_many_as_there_are_places() -> None:
    with MotoStack(UserTasksPerMinute="3", TenantTasksPerMinute="5") as stack:
        callers = [Caller(name) for name in ("alice", "bob", "carol") for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda caller: created(stack, caller), callers))
        assert results.count("made") == 5
        for place in (0, 4, 8):
            assert results[place : place + 4].count("made") <= 3
