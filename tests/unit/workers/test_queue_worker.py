"""Single tasks: how an attempt ends, and what a duplicate, a late message and a dead worker do."""

import itertools
import time

import pytest
from serverless_tasks import Backoff, PermanentError, TaskStatus, TaskType

from tests.support.tasks import create, history, queued


def test_a_task_runs_once_and_completes(stack):
    cat = TaskType("cat")
    cat.task(lambda event, context: {"fed": event.input, "attempt": context.attempt})

    task = stack.run(create(stack, "fish"))

    assert history(task) == ["CREATED", "QUEUED", "PROCESSING", "COMPLETED"]
    assert task.result == {"fed": "fish", "attempt": 1}
    assert (task.attempt, task.version, task.progress) == (1, 3, 1)
    assert task.lease_until is None
    assert task.attention is None
    assert stack.memory.queue.messages == {}


def test_the_handler_gets_the_event_and_the_context(stack):
    cat = TaskType("cat", timeout=60)
    seen = {}

    @cat.task
    def handle(event, context):
        seen.update(event=event, context=context, remaining=context.remaining_time)

    key = create(stack, {"a": [1]})
    stack.run(key)

    event, context = seen["event"], seen["context"]
    assert (event.task_key, event.task_type, event.tenant_code, event.input) == (key, "cat", "mbc", {"a": [1]})
    assert event.task_entity.status is TaskStatus.PROCESSING
    assert event.record["body"]
    assert (context.run, context.state, context.idempotency_key) == (0, None, str(key))
    assert seen["remaining"] == 60


def test_a_failed_attempt_is_tried_again_after_its_backoff(stack):
    cat = TaskType("cat", max_attempts=3, backoff=Backoff(base=10, factor=3, cap=100))
    attempts = []

    @cat.task
    def handle(event, context):
        attempts.append(stack.clock.now)
        if context.attempt < 3:
            raise ValueError(f"boom {context.attempt}")
        return "done"

    task = stack.run(create(stack))

    assert history(task) == [
        "CREATED",
        "QUEUED",
        "PROCESSING",
        "ERRORED",
        "PROCESSING",
        "ERRORED",
        "PROCESSING",
        "COMPLETED",
    ]
    assert [(b - a).total_seconds() for a, b in itertools.pairwise(attempts)] == [10, 30]
    assert [entry.get("reason") for entry in task.history][3] == "ValueError: boom 1"
    assert task.error is None
    assert task.next_attempt_at is None


def test_a_waiting_task_shows_its_error_and_its_next_attempt(stack):
    cat = TaskType("cat", backoff=Backoff(base=10, cap=10))
    cat.task(lambda event, context: 1 / 0)
    key = queued(stack)

    stack.work_one()

    task = stack.task(key)
    assert task.status is TaskStatus.ERRORED
    assert task.error == {"type": "ZeroDivisionError", "message": "division by zero"}
    assert task.next_attempt_at == "2026-01-01T00:00:10.000Z"
    assert task.lease_until is None


def test_the_last_attempt_ends_failed_with_its_error_and_an_alarm(stack):
    cat = TaskType("cat", max_attempts=2)
    cat.task(lambda event, context: 1 / 0)

    task = stack.run(create(stack))

    assert history(task) == ["CREATED", "QUEUED", "PROCESSING", "ERRORED", "PROCESSING", "FAILED"]
    assert task.error == {"type": "ZeroDivisionError", "message": "division by zero"}
    assert task.attention == "FAILED#mbc"
    [alarm] = stack.memory.topics.alarms
    assert alarm["content"] == {"errorMessage": "ZeroDivisionError: division by zero"}


@pytest.mark.parametrize("error", [PermanentError("no such cat"), type("Worse", (PermanentError,), {})("no such cat")])
def test_a_permanent_error_is_not_retried(stack, error):
    cat = TaskType("cat", max_attempts=5)

    @cat.task
    def handle(event, context):
        raise error

    task = stack.run(create(stack))

    assert history(task) == ["CREATED", "QUEUED", "PROCESSING", "FAILED"]
    assert task.error == {"type": type(error).__name__, "message": "no such cat"}


def test_a_handler_that_exits_has_failed(stack):
    cat = TaskType("cat", max_attempts=1)

    @cat.task
    def handle(event, context):
        raise SystemExit(3)

    assert stack.run(create(stack)).error == {"type": "SystemExit", "message": "3"}


def test_a_type_without_handler_fails_at_once(stack):
    task = stack.run(create(stack, task_type="dog"))

    assert history(task) == ["CREATED", "QUEUED", "FAILED"]
    assert task.error == {"type": "NoHandler", "message": "no handler for task type 'dog'"}


def test_a_type_with_sub_tasks_only_does_not_run_single_tasks(stack):
    TaskType("dog").sub_task(lambda event, context: None)

    assert stack.run(create(stack, task_type="dog")).status is TaskStatus.FAILED


@pytest.mark.parametrize("result", [{1, 2}, float("nan"), object(), b"bytes"])
def test_a_result_that_is_not_json_fails_the_task_without_a_retry(stack, result):
    TaskType("cat").task(lambda event, context: result)

    task = stack.run(create(stack))

    assert history(task)[-2:] == ["PROCESSING", "FAILED"]
    assert task.error["type"] == "InvalidResult"
    assert task.error["message"].startswith("result: is not JSON")


@pytest.mark.parametrize(("length", "stored"), [(4094, "result"), (4095, "resultRef"), (1_100_000, "resultRef")])
def test_a_result_above_4_kb_goes_to_the_bucket(stack, length, stored):
    TaskType("cat").task(lambda event, context: "r" * length)

    task = stack.run(create(stack))

    assert set(task.attributes) == {stored, "progress"}
    assert stack.service.load_result(task) == "r" * length


def test_an_input_above_4_kb_reaches_the_handler(stack):
    TaskType("cat").task(lambda event, context: len(event.input))
    key = create(stack, "i" * 300_000)

    assert stack.task(key).input_text is None
    assert stack.run(key).result == 300_000


def test_an_input_that_the_bucket_lost_fails_the_task(stack):
    TaskType("cat").task(lambda event, context: None)
    key = create(stack, "i" * 5000)
    stack.memory.payloads.objects.clear()

    assert stack.run(key).error["type"] == "PayloadMissing"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("nonsense", "the body is not JSON"),
        ("[1]", "the body is not a JSON object"),
        ("{}", "v must be 1 to 1"),
        ('{"v":1,"action":"task-execute","run":0}', "pk must be the key of a single task"),
        ('{"v":1,"action":"task-execute","run":"0","pk":"TASK#a","sk":"b#c"}', "run must be a number from 0"),
        (
            '{"v":1,"action":"task-execute","run":0,"pk":"TASK#mbc","sk":"cat#01KDVDNA00MR5EXME5V0BEB57M"}',
            "there is no such task",
        ),
    ],
)
def test_what_can_never_be_processed_is_dead_lettered_and_holds_nothing_up(stack, body, reason):
    TaskType("cat").task(lambda event, context: None)
    stack.memory.queue.send_body(body)

    task = stack.run(create(stack))

    assert task.status is TaskStatus.COMPLETED
    assert stack.memory.queue.dead_letters == [(body, reason)]
    assert stack.memory.queue.messages == {}


def test_a_message_that_cannot_be_dead_lettered_now_comes_back_soon(stack, monkeypatch):
    def refuse(record, reason):
        raise ConnectionError("throttled")

    monkeypatch.setattr(stack.memory.queue, "dead_letter", refuse)
    stack.memory.queue.send_body("nonsense")

    with pytest.raises(ConnectionError):
        stack.work_one()

    [message] = stack.memory.queue.messages.values()
    assert (message["visible"] - stack.clock.now).total_seconds() == 30


def test_an_attempt_ends_at_its_timeout(stack):
    cat = TaskType("cat", max_attempts=1, timeout=1)

    @cat.task
    def handle(event, context):
        try:
            time.sleep(10)
        except Exception:  # a handler that swallows everything is ended all the same
            return "swallowed"

    task = stack.run(create(stack))

    assert task.error["type"] == "AttemptTimeout"
