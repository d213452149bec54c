"""The fast lane: one round, and whatever is not over then goes to the state machine, once."""

import pytest
from serverless_tasks import Backoff, TaskKey, TaskStatus, TaskType
from serverless_tasks.core.times import from_iso, to_iso
from serverless_tasks.testing import MemoryStack, WorkerKilled
from serverless_tasks.testing.lane import Lane

from tests.support.tasks import create_list, history, relay_all, started, statuses

HAPPY = ["CREATED", "STARTED", "PROCESSING", "FINISHED", "COMPLETED"]


@pytest.fixture
def stack() -> MemoryStack:
    return MemoryStack(fast_lane_arn="lane")


@pytest.fixture
def cat() -> TaskType:
    cat = TaskType("cat", backoff=Backoff(base=100, cap=100))
    cat.sub_task(lambda event, context: event.input)
    return cat


def lane_of(stack: MemoryStack, elements: list) -> tuple[TaskKey, Lane]:
    """A task whose lane was just started."""
    key = started(stack, elements)
    [lane] = stack._lanes()
    return key, lane


def standard(stack: MemoryStack) -> list[str]:
    """The Standard executions that were started."""
    return list(stack.memory.executions.inputs)


@pytest.mark.parametrize("count", [0, 1, 10, 40, 100])
def test_a_short_list_ends_in_its_lane(stack, cat, count):
    task = stack.run(create_list(stack, list(range(count))))

    assert (history(task), standard(stack)) == (HAPPY, [])
    assert task.execution_arn == "lane-1"
    assert statuses(stack, task.key) == ["COMPLETED"] * count


def test_without_a_lane_the_state_machine_runs_it(cat):
    stack = MemoryStack()
    task = stack.run(create_list(stack, [1]))
    assert (standard(stack), stack.memory.executions.lanes) == ([task.code], {})


@pytest.mark.parametrize("elements", [["x" * 5000], list(range(41))])
def test_a_list_that_is_not_known_to_be_short_is_left_to_the_state_machine(cat, elements):
    stack = MemoryStack(fast_lane_arn="lane", fan_out_concurrency=100)
    task = stack.run(create_list(stack, elements))
    assert (str(task.status), standard(stack), stack.memory.executions.lanes) == ("COMPLETED", [task.code], {})


@pytest.mark.parametrize("options", [{"lane": False}, {"chunk_size": 1}])
def test_what_only_the_type_knows_is_handed_over_before_anything_is_written(stack, options):
    TaskType("cat", **options).sub_task(lambda event, context: event.input)
    key, lane = lane_of(stack, list(range(60)))

    while lane.step():
        pass

    assert (stack.task(key).status, standard(stack)) == (TaskStatus.STARTED, [key.code])
    assert list(stack.memory.table.chunks("mbc", key.code)) == []
    task = stack.run(key)
    assert (history(task), task.execution_arn) == (HAPPY, key.code)


def test_a_retry_that_is_due_later_is_handed_over(stack):
    @TaskType("cat", backoff=Backoff(base=100, cap=100)).sub_task
    def handle(event, context):
        if context.attempt == 1 and event.index == 1:
            raise ValueError("no food")

    task = stack.run(create_list(stack, [1, 2, 3]))

    assert (history(task), standard(stack)) == (HAPPY, [task.code])
    assert [stack.lanes["lane-1"].next, task.execution_arn] == ["End", "lane-1"]


def test_a_killed_worker_s_chunk_goes_on_at_once_with_one_that_isolates(stack):
    deaths = []

    @TaskType("cat").sub_task
    def handle(event, context):
        if event.index == 1 and len(deaths) < 2:
            deaths.append(1)
            raise WorkerKilled

    task = stack.run(create_list(stack, [1, 2, 3]))

    assert (history(task), standard(stack)) == (HAPPY, [task.code])
    began, *_, ended = (from_iso(entry["at"]) for entry in task.history)
    assert (ended - began).total_seconds() < 10
    assert [found.attempt for found in stack.service.list_sub_tasks(task.key).items] == [1, 2, 1]


@pytest.mark.parametrize("function", ["plan", "finish"])
def test_an_error_of_plan_or_finish_is_handed_over(stack, cat, monkeypatch, function):
    key, lane = lane_of(stack, [1])
    invoke = stack.invoke

    def broken(name, payload):
        if name == function:
            raise ConnectionError("cannot be called")
        return invoke(name, payload)

    monkeypatch.setattr(stack, "invoke", broken)
    while lane.step():
        pass
    monkeypatch.undo()

    assert standard(stack) == [key.code]
    assert history(stack.run(key)) == HAPPY


def test_started_twice_one_lane_goes_on(stack, cat):
    key = create_list(stack, [1, 2])
    record = stack.memory.table.stream[0]
    relay_all(stack)
    stack.memory.table.stream.append(record)
    relay_all(stack)
    first, second = stack._lanes()

    second.step()
    first.step()
    assert (first.next, second.next, stack.task(key).execution_arn) == ("End", "RunChunks", "lane-2")
    assert history(stack.run(key)) == HAPPY
    assert standard(stack) == []


def test_a_plan_that_is_called_twice_goes_on(stack, cat):
    key, lane = lane_of(stack, [1, 2])
    call = {"input": {"pk": key.pk, "sk": key.sk, "run": 0}, "executionArn": lane.arn, "lane": True}
    assert stack.invoke("plan", call)["chunks"] == stack.invoke("plan", call)["chunks"] == [0, 1]


def test_a_lane_that_comes_too_late_does_nothing(stack, cat):
    key, lane = lane_of(stack, [1])
    task = stack.run(key)
    version = task.version
    for call in ({"lane": True}, {"lane": True}):
        given = {"input": {"pk": key.pk, "sk": key.sk, "run": 0}, "executionArn": lane.arn, **call}
        assert stack.invoke("plan", given) == {"next": "stop"}
    assert stack.invoke("finish", {"pk": key.pk, "sk": key.sk, "run": 0, "laneBeganAt": to_iso(stack.clock())}) == {}
    assert stack.task(key).version == version


def test_a_second_lane_leaves_a_fan_in_to_the_first(stack, cat):
    key, lane = lane_of(stack, [1])
    while stack.task(key).status is not TaskStatus.PROCESSING or lane.next != "Finish":
        lane.step()
    stack.service.update_status(key, TaskStatus.FINISHED)
    call = {"input": {"pk": key.pk, "sk": key.sk, "run": 0}, "executionArn": "lane-9", "lane": True}
    assert stack.invoke("plan", call) == {"next": "stop"}


@pytest.mark.parametrize("state", ["Plan", "RunChunks", "Finish", "HandOver"])
def test_a_lane_that_dies_is_made_up_for_when_none_can_live(stack, cat, state):
    key, lane = lane_of(stack, [1, 2])
    while lane.next != state and lane.step():
        if state == "HandOver" and lane.next == "Finish":
            lane.next = "HandOver"
    lane.next = "End"

    stack.clock.advance(301)
    assert (stack.sweep(), standard(stack)) == (1, [])
    stack.clock.advance(60)
    stack.sweep()
    assert standard(stack) == [key.code]
    assert history(stack.run(key)) == HAPPY


def test_a_chunk_that_takes_long_is_waited_for_and_run_once(stack):
    runs, states = [], set()

    @TaskType("cat").sub_task
    def handle(event, context):
        runs.append(event.index)
        stack.clock.advance(200)
        lane.next = "HandOver"  # the map's time is over, and this worker goes on
        lane.step()
        [execution] = stack._executions()
        for _ in range(6):
            states.add((execution.step(), execution.next))
            stack.clock.advance(50)

    key, lane = lane_of(stack, [1])
    lane.step()
    stack.invoke("chunk", {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0, "holder": "a lane's"})
    ended = stack.clock()

    task = stack.run(key)
    assert (runs, history(task), standard(stack)) == ([0], HAPPY, [key.code])
    assert (True, "Plan") in states
    assert {state for _, state in states} == {"Plan"}
    assert (from_iso(task.history[-1]["at"]) - ended).total_seconds() <= 125  # not until the end of the lease


def test_cancelled_by_the_table_alone_a_lane_ends(stack, cat):
    key, lane = lane_of(stack, [1])
    lane.step()
    stack.service.cancel_task(key)
    relay_all(stack)
    while lane.step():
        pass
    assert (stack.task(key).status, standard(stack)) == (TaskStatus.CANCELLED, [])


def test_a_retry_begins_in_a_lane_of_its_own(stack, cat):
    key, lane = lane_of(stack, [1, 2])
    lane.step()
    stack.service.cancel_task(key)
    stack.service.retry_task(key)
    task = stack.run(key)
    assert (str(task.status), task.run, task.execution_arn, standard(stack)) == ("COMPLETED", 1, "lane-2", [])


def test_after_five_minutes_a_lane_is_over_wherever_it_is(stack, cat):
    _, lane = lane_of(stack, [1])
    stack.clock.advance(300)
    assert (lane.step(), lane.next, lane.step()) == (True, "End", False)
