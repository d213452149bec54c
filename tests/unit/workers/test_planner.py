"""Plan: chunks are cut once, rounds follow one another, and nothing waits for ever."""

from random import Random

import pytest
from serverless_tasks import Backoff, LostRace, TaskKey, TaskStatus, TaskType
from serverless_tasks.adapters.log import logger
from serverless_tasks.core.fan_out.rounds import MAX_ROUNDS, MAX_STALLED_ROUNDS
from serverless_tasks.core.times import from_iso
from serverless_tasks.testing import MemoryStack, WorkerKilled
from serverless_tasks.testing.stack import TAKE_OVERS

from tests.support.crews import die_before_the_count
from tests.support.tasks import started


def plan(stack: MemoryStack, key: TaskKey, previous: object = None, run: int = 0) -> dict[str, object]:
    state = {"pk": key.pk, "sk": key.sk, "run": run, **({"plan": previous} if previous else {})}
    return stack.invoke("plan", {"input": state, "executionArn": "arn:execution"})


@pytest.fixture
def cat() -> TaskType:
    cat = TaskType("cat", chunk_size=2)
    cat.sub_task(lambda event, context: event.index)
    return cat


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_the_first_plan_cuts_the_input_and_runs_every_chunk(stack, cat, count):
    key = started(stack, list(range(count)))

    step = plan(stack, key)

    chunks = list(stack.memory.table.chunks("mbc", key.code))
    numbers = list(range((count + 1) // 2))
    assert [chunk.number for chunk in chunks] == numbers
    assert sum(chunk.range.count for chunk in chunks) == count
    assert step == {"next": "run" if count else "finish", "chunks": numbers, "claims": 0, "stalled": 0}
    task = stack.task(key)
    assert task.status is TaskStatus.PROCESSING
    assert (task.attributes["subTaskCount"], task.sub_task_running_count) == (count, count)


def test_the_task_names_the_execution_that_planned_it(stack, cat):
    key = started(stack, [1])
    assert stack.task(key).execution_arn == key.code  # as the relay wrote it
    plan(stack, key)
    assert stack.task(key).execution_arn == "arn:execution"

    other = stack.service.create_step_function_task("mbc", "cat", [1]).key
    plan(stack, other)  # faster than the relay
    assert stack.task(other).execution_arn == "arn:execution"


def test_a_plan_that_died_half_way_is_finished_by_the_next_with_its_own_chunk_size(stack, cat, monkeypatch):
    key = started(stack, list(range(8)))
    put, written = stack.memory.table.put, []

    def die_at_the_third(item):
        if len(written) == 2:
            raise WorkerKilled
        written.append(put(item))

    monkeypatch.setattr(stack.memory.table, "put", die_at_the_third)
    with pytest.raises(WorkerKilled):
        plan(stack, key)
    monkeypatch.setattr(stack.memory.table, "put", put)
    cat.chunk_size = 3  # a deployment came in between

    assert plan(stack, key)["chunks"] == [0, 1, 2, 3]
    assert [c.range.count for c in stack.memory.table.chunks("mbc", key.code)] == [2, 2, 2, 2]
    assert stack.run(key).attributes["subTaskSucceedCount"] == 8


def test_two_plans_at_once_write_the_chunks_once(stack, cat, monkeypatch):
    key = started(stack, [0, 1, 2])
    put, steps = stack.memory.table.put, []

    def plan_and_work_in_between(item):
        if not steps:
            monkeypatch.setattr(stack.memory.table, "put", put)
            steps.append(plan(stack, key))
            stack.invoke("chunk", {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0})
        put(item)

    monkeypatch.setattr(stack.memory.table, "put", plan_and_work_in_between)
    slow = plan(stack, key)

    assert steps[0]["chunks"] == [0, 1]
    assert slow["chunks"] == [1]  # chunk 0 is done, and its outcomes are still there
    assert stack.task(key).attributes["subTaskSucceedCount"] == 2


def test_a_type_without_sub_tasks_fails_at_once(stack):
    TaskType("cat").task(lambda event, context: None)

    task = stack.run(started(stack, [1]))

    assert [h["status"] for h in task.history] == ["CREATED", "STARTED", "FAILED"]
    assert task.error == {"type": "NoHandler", "message": "no handler for task type 'cat'"}


def test_an_input_that_the_bucket_lost_fails_the_task(stack, cat):
    key = started(stack, ["x" * 5000])
    stack.memory.payloads.objects.clear()

    assert plan(stack, key) == {"next": "stop"}
    assert stack.task(key).error["type"] == "PayloadMissing"


@pytest.mark.parametrize("run", [0, 1])
def test_a_plan_for_a_task_that_ended_or_is_in_another_run_stops(stack, cat, run):
    key = started(stack, [1])
    stack.service.cancel_task(key)

    assert plan(stack, key, run=run) == {"next": "stop"}
    assert plan(stack, TaskKey("SFN_TASK#mbc", "cat#missing")) == {"next": "stop"}


def test_a_plan_after_finish_began_goes_on_with_finish(stack, cat, monkeypatch):
    key = started(stack, [1])
    cat.finished(lambda event, outcomes: (_ for _ in ()).throw(WorkerKilled))
    plan(stack, key)
    stack.invoke("chunk", {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0})
    with pytest.raises(WorkerKilled):
        stack.invoke("finish", {"pk": key.pk, "sk": key.sk, "run": 0})

    assert stack.task(key).status is TaskStatus.FINISHED
    assert plan(stack, key)["next"] == "finish"


def test_a_late_started_does_not_hold_up_the_plan(stack, cat, monkeypatch):
    key = stack.service.create_step_function_task("mbc", "cat", [1]).key
    put, once = stack.memory.table.put, []

    def relay_then_put(item):
        if not once:
            once.append(stack.relay_one())
        put(item)

    monkeypatch.setattr(stack.memory.table, "put", relay_then_put)

    assert plan(stack, key)["next"] == "run"
    assert [h["status"] for h in stack.task(key).history] == ["CREATED", "STARTED", "PROCESSING"]


def test_a_plan_that_always_loses_raises_for_the_state_machine_to_retry(stack, cat, monkeypatch):
    key = started(stack, [])

    def lose(update):
        raise LostRace("always")

    monkeypatch.setattr(stack.memory.table, "update", lose)
    with pytest.raises(LostRace):
        plan(stack, key)


def test_chunks_that_cannot_start_end_the_task_after_a_few_rounds(stack, cat, monkeypatch):
    key = started(stack, [1, 2, 3])
    rounds = []

    def die(call, remaining):
        rounds.append(call["chunk"])
        raise WorkerKilled

    monkeypatch.setattr(stack.chunk_worker, "handle", die)
    task = stack.run(key)

    assert task.status is TaskStatus.FAILED
    assert task.error == {
        "type": "WorkerLost",
        "message": "chunk workers cannot start, cannot read the bucket or cannot write; their log says why",
    }
    first, later = 2, 1 + len(TAKE_OVERS)  # calls for each of two chunks: inline it is freed, then taken over
    assert len(rounds) == 2 * (first + (MAX_STALLED_ROUNDS - 1) * later)


def test_chunks_whose_outcomes_cannot_be_written_end_the_task_in_hours(stack, cat, monkeypatch):
    key = started(stack, [1, 2, 3])

    def refuse(*_arguments):
        raise ConnectionError("access denied")

    monkeypatch.setattr("serverless_tasks.workers.chunk.run.store_lines", refuse)
    task = stack.run(key)

    assert task.status is TaskStatus.FAILED
    assert (stack.clock.now - from_iso(task.created_at)).total_seconds() < 4 * 3600


@pytest.mark.parametrize(("known", "second"), [(True, 0), (False, 905)])
def test_a_chunk_whose_worker_died_is_due_at_once_or_at_the_end_of_its_lease(stack, monkeypatch, known, second):
    if not known:
        monkeypatch.setattr("serverless_tasks.testing.stack.INLINE", 0)
        monkeypatch.setattr("serverless_tasks.testing.stack.TAKE_OVERS", ())
    cat = TaskType("cat")
    starts = []

    @cat.sub_task
    def handle(event, context):
        starts.append((stack.clock.now - began).total_seconds())
        if len(starts) == 1:
            raise WorkerKilled

    began = stack.clock.now
    task = stack.run(started(stack, [1]))

    assert task.status is TaskStatus.COMPLETED
    assert starts == [0, second]  # 900 s of the invocation and 5 s for clocks that differ


def test_a_chunk_whose_worker_died_before_it_was_counted_is_counted_by_the_next_plan(stack, cat, before_writes):
    key = started(stack, [1, 2, 3])
    plan(stack, key)
    before_writes(die_before_the_count)
    with pytest.raises(WorkerKilled):
        stack.invoke("chunk", {"pk": key.pk, "sk": key.sk, "run": 0, "chunk": 0})
    before_writes(lambda _: None)
    assert stack.task(key).attributes["subTaskSucceedCount"] == 0

    plan(stack, key)
    plan(stack, key)

    task = stack.task(key)
    assert (task.attributes["subTaskSucceedCount"], task.done_chunks) == (2, {0})


@pytest.mark.parametrize("rounds", [MAX_ROUNDS, 200])
def test_a_task_with_the_most_attempts_and_the_longest_backoff_ends_by_itself(stack, monkeypatch, rounds):
    # GIVEN sub-tasks of one chunk that fail for ever, each with waits of its own, and an execution as AWS counts it
    cat = TaskType("cat", max_attempts=1000, backoff=Backoff(base=21_600, cap=21_600), chunk_size=3)
    tries = []
    cat.sub_task(lambda event, context: tries.append(event.index) or 1 / 0)
    stack.chunk_worker._random = Random(1).random
    monkeypatch.setattr("serverless_tasks.core.fan_out.rounds.MAX_ROUNDS", rounds)
    monkeypatch.setattr(logger, "exception", lambda *_, **__: None)
    history = []

    def counted(function, payload, invoke=stack.invoke):
        answer = invoke(function, payload)
        if function == "plan":
            history.append(7 + {"run": 6, "wait": 2}.get(answer["next"], 0))
        return answer

    monkeypatch.setattr(stack, "invoke", counted)
    key = started(stack, [1, 2, 3])

    # WHEN it runs
    while not stack.task(key).status.terminal:
        if not stack.step():
            stack.clock.advance(600)

    # THEN every attempt is made, within the 25,000 events of a history and the year of an execution
    task = stack.task(key)
    assert sum(history) < 25_000
    assert (from_iso(task.updated_at) - from_iso(task.created_at)).days < 365
    if rounds == MAX_ROUNDS:
        assert (task.error["type"], len(tries)) == ("SubTasksFailed", 3000)
    else:  # it is not for ever that rounds are made
        assert task.error["message"].endswith("are all that an execution has room for; retry it, and it goes on")
        stack.service.retry_task(key)
        assert stack.task(key).run == 1
