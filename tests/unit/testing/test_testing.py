"""What users' tests are given: one call of a handler, and a whole task, in a line each."""

from dataclasses import dataclass

import pytest
from serverless_tasks import (
    Backoff,
    InvalidInput,
    InvalidResult,
    NoHandler,
    PermanentError,
    StepFunctionTaskEvent,
    TaskQueueEvent,
    TaskQueueEventFactory,
    TaskStatus,
    TaskType,
    event_handler,
)
from serverless_tasks.classic.event_classes import EVENT_HANDLERS
from serverless_tasks.core.task_types.task_type import find_task_type
from serverless_tasks.testing import (
    MemoryStack,
    WorkerKilled,
    call_finished,
    call_sub_task,
    call_task,
    registered,
    run_step_function_task,
    run_task,
)
from serverless_tasks.workers.user_code.routing import HandlerRouter

MINUTES = Backoff(base=60, factor=10, cap=3600)


@pytest.fixture
def cat():
    return TaskType("cat", max_attempts=3, backoff=MINUTES)


def raises(error):
    def handler(event, context):
        raise error

    return handler


# ------------------------------------------------------------------------------------------------ whole tasks


def test_a_task_is_run_to_its_end(cat):
    cat.task(lambda event, context: [event.input, event.tenant_code, event.task_entity.type])
    ended = run_task(cat, {"key": "v"})
    assert (ended.status, ended.result, ended.error, ended.attempt) == (
        "COMPLETED",
        [{"key": "v"}, "mbc", "cat"],
        None,
        1,
    )
    assert ended.statuses == ("CREATED", "QUEUED", "PROCESSING", "COMPLETED")
    assert (ended.sub_tasks, ended.task.name) == ((), "cat")


def test_attempts_and_backoffs_take_no_time_but_count(cat):
    @cat.task
    def third_time_lucky(event, context):
        if context.attempt < 3:
            raise ConnectionError("nobody there")
        return "done"

    ended = run_task(cat, None)
    assert (ended.status, ended.result, ended.attempt) == ("COMPLETED", "done", 3)
    assert ended.error is None
    assert ended.statuses.count("ERRORED") == 2
    assert 660 <= ended.seconds <= 670


@pytest.mark.parametrize(("error", "attempts"), [(ValueError("no"), 3), (PermanentError("no"), 1), (WorkerKilled(), 3)])
def test_a_task_that_fails_says_why_and_after_how_many_attempts(cat, error, attempts):
    cat.task(raises(error))
    ended = run_task(cat, None)
    assert (ended.status, ended.result, ended.attempt) == (TaskStatus.FAILED, None, attempts)
    assert ended.error["type"] == ("WorkerLost" if isinstance(error, WorkerKilled) else type(error).__name__)


def test_a_large_result_is_at_hand_like_a_small_one(cat):
    cat.task(lambda event, context: "r" * 10_000)
    cat.sub_task(lambda event, context: "r" * event.input)
    cat.finished(lambda event, outcomes: [outcome.result for outcome in outcomes])
    assert run_task(cat, None).result == "r" * 10_000
    ended = run_step_function_task(cat, [1, 5_000, 400_000])
    assert [len(sub_task.result) for sub_task in ended.sub_tasks] == [1, 5_000, 400_000]
    assert ended.result == [sub_task.result for sub_task in ended.sub_tasks]


def test_a_step_functions_task_has_outcomes_and_the_result_of_its_fan_in(cat):
    @cat.sub_task
    def halve(event, context):
        if event.input % 2:
            raise PermanentError("odd")
        return event.input // 2

    ended = run_step_function_task(cat, [0, 3, 4])
    assert (ended.status, ended.error["type"]) == ("FAILED", "SubTasksFailed")
    assert ended.statuses == ("CREATED", "STARTED", "PROCESSING", "FINISHED", "FAILED")
    assert [(one.index, one.status, one.result, one.attempt) for one in ended.sub_tasks] == [
        (0, "COMPLETED", 0, 1),
        (1, "FAILED", None, 1),
        (2, "COMPLETED", 2, 1),
    ]
    assert ended.sub_tasks[1].error == {"type": "PermanentError", "message": "odd"}
    assert run_step_function_task(cat, []).status == "COMPLETED"


def test_a_stack_of_ones_own_is_there_afterwards(cat):
    class Fed(TaskQueueEvent):
        pass

    class Factory(TaskQueueEventFactory):
        def transform_task(self, event):
            return [Fed.of(event)]

    event_handler(Fed)(raises(PermanentError("no")))
    stack = MemoryStack(HandlerRouter(own_events=Factory()))
    ended = run_task(cat, None, stack=stack)
    [alarm] = stack.memory.topics.alarms
    assert alarm["content"]["errorMessage"] == "PermanentError: no"
    assert stack.service.retry_task(ended.task.key).run == 1


def test_what_the_service_refuses_is_refused(cat):
    with pytest.raises(InvalidInput, match="input"):
        run_task(cat, {1, 2})
    with pytest.raises(InvalidInput, match="must be a list"):
        run_step_function_task(cat, {"key": "v"})


# -------------------------------------------------------------------------------------------------- one call


def test_a_call_gives_the_handler_what_a_worker_does(cat):
    seen = []

    @cat.task
    def look(event, context):
        seen.append((event, context))
        return ("a tuple",)

    assert call_task(cat, {"key": ("v",)}, attempt=2, run=1, state=[7], remaining_time=30, cancelled=True) == [
        "a tuple"
    ]
    [(event, context)] = seen
    assert (event.input, event.task_type, event.run) == ({"key": ["v"]}, "cat", 1)
    assert (event.task_entity.status, event.task_entity.attempt, event.task_entity.run) == ("PROCESSING", 2, 1)
    assert event == TaskQueueEvent(
        **{name: getattr(event, name) for name in ("task_key", "task_type", "tenant_code", "input", "task_entity")},
        record=event.record,
        run=1,
    )
    assert (context.attempt, context.run, context.state) == (2, 1, [7])
    assert (context.remaining_time, context.cancelled) == (30, True)
    assert context.idempotency_key == event.task_entity.id == str(event.task_key)


def test_a_call_passes_on_what_the_handler_raises(cat):
    cat.task(raises(ConnectionError("nobody there")))
    cat.sub_task(raises(PermanentError("odd")))
    with pytest.raises(ConnectionError, match="nobody there"):
        call_task(cat, None)
    with pytest.raises(PermanentError, match="odd"):
        call_sub_task(cat, None)


def test_a_call_keeps_checkpoints(cat):
    @cat.task
    def walk(event, context):
        context.checkpoint({"row": (1, 2)}, progress=0.5)
        context.checkpoint("end")

    checkpoints = []
    assert call_task(cat, None, checkpoints=checkpoints) is None
    assert checkpoints == [({"row": [1, 2]}, 0.5), ("end", None)]
    assert call_task(cat, None) is None


@pytest.mark.usefixtures("event_loops")
def test_a_call_runs_a_coroutine_to_its_end(cat):
    @cat.sub_task
    async def feed(event, context):
        return event.index

    assert call_sub_task(cat, None, index=2) == 2


def test_a_sub_tasks_call_names_its_place(cat):
    @cat.sub_task
    def look(event, context):
        with pytest.raises(InvalidInput, match="sub-tasks have none"):
            context.checkpoint("state")
        key = str(event.task_key)
        assert key == context.idempotency_key
        assert key.startswith("SFN_TASK#mbc#cat#")
        return [key.rpartition("#")[2], event.index, event.context["run"], event.context["attempt"], context.cancelled]

    assert call_sub_task(cat, None, index=3, attempt=2, run=1, cancelled=True) == ["3", 3, 1, 2, True]


def test_a_result_that_is_not_json_is_refused_as_a_worker_would(cat):
    cat.task(lambda event, context: {1, 2})
    with pytest.raises(InvalidResult):
        call_task(cat, None)


@dataclass
class Bowl:
    fish: int


def test_a_typed_handler_gets_what_it_takes_or_is_not_called(cat):
    @cat.task
    def feed_one(event: TaskQueueEvent[Bowl], context):
        return event.input.fish

    @cat.sub_task
    def feed(event: StepFunctionTaskEvent[Bowl], context):
        return event.input.fish

    for call in (call_task, call_sub_task):
        assert call(cat, {"fish": 3}) == 3
        with pytest.raises(InvalidInput, match=r"input\.fish"):
            call(cat, {"fish": "many"})
    ended = run_step_function_task(cat, [{"fish": 1}, {"fish": "many"}])
    assert (ended.sub_tasks[0].result, ended.sub_tasks[1].attempt) == (1, 1)
    assert "input.fish" in ended.sub_tasks[1].error["message"]
    assert run_task(cat, {}).error["type"] == "InvalidInput"


def test_a_type_without_this_handler_has_none(cat):
    for call, given in ((call_task, [None]), (call_sub_task, [None]), (call_finished, [[], []])):
        with pytest.raises(NoHandler, match="no handler for task type 'cat'"):
            call(cat, *given)


def test_a_fan_in_gets_results_and_failures(cat):
    @cat.finished
    def gather(event, outcomes):
        assert (event.index, event.task_entity.status) == (None, "FINISHED")
        return [[outcome.status, outcome.result, outcome.error] for outcome in outcomes] + [event.input]

    assert call_finished(cat, [1, 2], [{"a": 1}, ValueError("odd")]) == [
        ["COMPLETED", {"a": 1}, None],
        ["FAILED", None, {"type": "ValueError", "message": "odd"}],
        [1, 2],
    ]


# ------------------------------------------------------------------------------------------------ registries


def test_only_the_given_task_types_are_known_within_the_block(cat):
    class Fed(TaskQueueEvent):
        pass

    with registered(cat):
        dog = TaskType("dog")
        event_handler(Fed)(raises(ValueError()))
        assert (find_task_type("cat"), find_task_type("dog")) == (cat, dog)
    with registered(dog):
        TaskType("cat")  # no second definition: the first is not known here
        assert find_task_type("dog") is dog
    assert (find_task_type("cat"), find_task_type("dog")) == (cat, None)
    assert Fed not in EVENT_HANDLERS
