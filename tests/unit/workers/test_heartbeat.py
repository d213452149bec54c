"""A worker's signs of life: when they are given, what they renew, and what a refused one means."""

import threading
import time

import pytest
from serverless_tasks import Backoff, InvalidInput, TaskStatus, TaskType
from serverless_tasks.core.times import after, from_iso
from serverless_tasks.workers import attempt, queue_worker
from serverless_tasks.workers.user_code import deadlines

from tests.support.tasks import history, queued

SECONDS = 20
"""After which a test that waits for what never comes fails."""


def until(condition):
    """Wait in a handler, in native code that lets other threads run, as a database driver does."""
    ends_at = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.001)


@pytest.fixture
def minutes(monkeypatch):
    """A minute takes a moment."""
    sleep = time.sleep
    often = type("Quick", (), {"monotonic": time.monotonic, "sleep": lambda _: sleep(0.002)})
    monkeypatch.setattr(deadlines, "time", often)
    monkeypatch.setattr(deadlines, "lookout", deadlines.Lookout())
    monkeypatch.setattr(attempt, "PERIOD_SECONDS", 0.002)
    monkeypatch.setattr(attempt, "AGAIN_SECONDS", 0.002)


@pytest.fixture
def updates(before_writes):
    """Every update of the table, as it was asked for."""
    made = []
    before_writes(made.append)
    return made


def of_heartbeats():
    return [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def hidden_for(stack):
    [message] = stack.memory.queue.messages.values()
    return (message["visible"] - stack.clock.now).total_seconds()


def test_a_short_task_pays_no_write(stack, updates):
    TaskType("cat").task(lambda event, context: None)
    queued(stack)
    updates.clear()

    stack.work_one()

    assert [change.set["status"] for change in updates] == ["PROCESSING", "COMPLETED"]


def test_a_lease_is_two_minutes_and_its_message_is_back_half_a_minute_later(stack):
    cat = TaskType("cat")
    key = queued(stack)
    cat.task(lambda event, context: (stack.task(key).lease_until, hidden_for(stack)))

    stack.work_one()

    assert stack.task(key).result == ["2026-01-01T00:02:00.000Z", 150]


def test_every_minute_the_lease_is_renewed_and_the_message_hidden_for_longer(stack, updates, minutes):
    cat = TaskType("cat")
    key = queued(stack)
    updates.clear()

    @cat.task
    def handle(event, context):
        stack.clock.advance(60)
        until(lambda: stack.task(key).lease_until == "2026-01-01T00:03:00.000Z" and hidden_for(stack) == 150)
        stack.clock.advance(60)
        until(lambda: stack.task(key).lease_until == "2026-01-01T00:04:00.000Z" and hidden_for(stack) == 150)
        return "done"

    stack.work_one()

    task = stack.task(key)
    assert (task.result, history(task)) == ("done", ["CREATED", "QUEUED", "PROCESSING", "COMPLETED"])
    # A lease that has more than a minute left is not written again, however often the thread looks.
    assert [change.set["change"] for change in updates] == ["status", "data", "data", "status"]


def test_a_checkpoint_is_a_sign_of_life(stack, updates, minutes):
    cat = TaskType("cat")
    key = queued(stack)
    updates.clear()

    @cat.task
    def handle(event, context):
        stack.clock.now = after(stack.clock.now, 29)  # the thread has nothing to do yet
        context.checkpoint(1)
        assert stack.task(key).lease_until == "2026-01-01T00:02:29.000Z"
        until(lambda: hidden_for(stack) == 150)

    stack.work_one()

    assert [change.set["change"] for change in updates] == ["status", "data", "status"]


def test_the_last_lease_ends_with_the_invocation(stack, minutes):
    cat = TaskType("cat", timeout=3600)
    key = queued(stack)

    @cat.task
    def handle(event, context):
        stack.clock.advance(850)
        until(lambda: stack.task(key).lease_until == "2026-01-01T00:15:05.000Z")

    stack.work_one()


@pytest.mark.parametrize("options", [{"timeout": 110}, {"heartbeat": False}, {"timeout": 3600, "heartbeat": False}])
def test_no_sign_of_life_is_needed_where_the_lease_is_long_enough(stack, monkeypatch, options):
    monkeypatch.setattr("serverless_tasks.workers.attempt.Heartbeat", None)
    cat = TaskType("cat", **options)
    key = queued(stack)
    cat.task(lambda event, context: context.checkpoint(1) or stack.task(key).lease_until)

    stack.work_one()

    lease = (from_iso(stack.task(key).result) - stack.clock.now).total_seconds()
    assert lease == min(options["timeout"] + 10 if "timeout" in options else 905, 905)


@pytest.mark.parametrize("change", ["cancelled", "taken over"])
def test_a_refused_sign_of_life_reaches_the_handler(stack, minutes, change):
    cat = TaskType("cat")
    key = queued(stack)

    @cat.task
    def handle(event, context):
        if context.attempt == 2:
            return "second"
        context.cancelled  # noqa: B018  # has looked: by itself it would not look again
        if change == "cancelled":
            stack.service.cancel_task(key)
            stack.clock.now = after(stack.clock.now, 31)
        else:
            item = stack.memory.table.items[key.pk, key.sk]
            stack.memory.table.items[key.pk, key.sk] = item | {"attempt": 2}
            stack.clock.now = after(stack.clock.now, 31)
        until(lambda: context._is_cancelled.__self__._gone)
        assert context.cancelled
        return "first"

    stack.work_one()

    assert stack.task(key).result is None
    assert stack.task(key).status is (TaskStatus.CANCELLED if change == "cancelled" else TaskStatus.PROCESSING)


def test_a_sign_of_life_that_aws_does_not_take_is_tried_again(stack, minutes, before_writes):
    cat = TaskType("cat")
    key, refused = queued(stack), []

    def refuse_twice(change):
        if change.set["change"] == "data" and len(refused) < 2:
            refused.append(change)
            raise ConnectionError("throttled")

    before_writes(refuse_twice)

    @cat.task
    def handle(event, context):
        stack.clock.advance(60)
        until(lambda: stack.task(key).lease_until == "2026-01-01T00:03:00.000Z")

    stack.work_one()

    assert (stack.task(key).status, len(refused)) == (TaskStatus.COMPLETED, 2)


def test_a_frozen_worker_loses_its_lease_and_changes_nothing(stack):
    cat = TaskType("cat")

    @cat.task
    def handle(event, context):
        if context.attempt == 2:
            return "second"
        stack.clock.advance(151)  # nothing of the process ran meanwhile
        stack.work_one()
        return "first"

    key = queued(stack)
    stack.work_one()

    task = stack.task(key)
    assert (task.result, task.attempt) == ("second", 2)
    assert [entry.get("reason") for entry in task.history] == [None, None, None, "worker died", None]


def test_a_lease_that_is_renewed_in_the_last_moment_is_not_taken(stack, before_next_write):
    # GIVEN a worker that is back when its lease is over, and another one that has read the task before
    TaskType("cat", max_attempts=1).task(lambda event, context: "another")
    key = queued(stack)
    item = stack.memory.table.items[key.pk, key.sk]
    held = {"status": "PROCESSING", "attempt": 1, "leaseUntil": "2025-12-31T23:59:59.000Z"}
    stack.memory.table.items[key.pk, key.sk] = item | held
    renewed = {"leaseUntil": "2026-01-01T00:01:59.000Z"}
    before_next_write(lambda: stack.memory.table.items[key.pk, key.sk].update(renewed))

    # WHEN that one gives the task up
    stack.work_one()

    # THEN it is refused, and waits
    assert stack.task(key).status is TaskStatus.PROCESSING
    assert hidden_for(stack) == 119 + 30


def test_the_thread_has_ended_when_the_block_is_left(minutes):
    beats = []

    with attempt.Heartbeat(lambda: not beats.append(1)):
        until(lambda: len(beats) > 2)
        assert len(of_heartbeats()) == 1

    assert of_heartbeats() == []


def test_a_short_attempt_has_no_thread_of_its_own(stack):
    cat = TaskType("cat")
    cat.task(lambda event, context: [thread.name for thread in of_heartbeats()])
    key = queued(stack)

    stack.work_one()

    assert stack.task(key).result == []


def test_a_thread_that_could_not_be_had_is_begun_later(minutes, monkeypatch):
    start, refused, beats = threading.Thread.start, [], []

    def refuse_once(thread):
        if thread.name == "heartbeat" and not refused:
            refused.append(1)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_once)

    with attempt.Heartbeat(lambda: not beats.append(1)):
        until(lambda: beats)

    assert refused


def test_where_no_thread_is_to_be_had_the_lease_is_as_long_as_the_invocation(stack, monkeypatch, caplog):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(deadlines, "lookout", deadlines.Lookout())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    cat = TaskType("cat", timeout=3600)
    key = queued(stack)
    cat.task(lambda event, context: [stack.task(key).lease_until, hidden_for(stack)])

    stack.work_one()

    assert stack.task(key).result == ["2026-01-01T00:15:05.000Z", 935]
    assert "no thread is to be had" in caplog.text


def test_nothing_waits_long_for_a_sign_of_life_that_is_under_way(minutes, monkeypatch):
    monkeypatch.setattr(attempt, "JOIN_SECONDS", 0.001)
    began, over = threading.Event(), threading.Event()

    with attempt.Heartbeat(lambda: began.set() or over.wait(SECONDS)):
        assert began.wait(SECONDS)

    assert not over.is_set()
    over.set()


def test_a_heartbeat_is_on_or_off():
    with pytest.raises(InvalidInput, match="heartbeat"):
        TaskType("cat", heartbeat=1)


@pytest.fixture
def late(minutes, monkeypatch):
    """A sign of life that is under way is not waited for."""
    monkeypatch.setattr(attempt, "JOIN_SECONDS", 0.001)
    began, may_go_on = threading.Event(), threading.Event()

    def stand():
        if threading.current_thread().name == "heartbeat":
            began.set()
            assert may_go_on.wait(SECONDS)

    yield began, may_go_on, stand
    may_go_on.set()


def test_a_late_sign_of_life_does_not_renew_the_lease_of_the_next_invocation(stack, late, monkeypatch):
    # GIVEN a sign of life that is to be written when its attempt goes on in another invocation
    cat, (began, may_go_on, stand) = TaskType("cat", timeout=4000), late
    update, hide, hidden = stack.memory.table.update, stack.memory.queue.hide, []
    monkeypatch.setattr(stack.memory.table, "update", lambda change: stand() or update(change))
    monkeypatch.setattr(
        stack.memory.queue, "hide", lambda record, seconds: hidden.append(seconds) or hide(record, seconds)
    )

    @cat.task
    def handle(event, context):
        if context.state is None:
            stack.clock.advance(850)
            assert began.wait(SECONDS)
            monkeypatch.setattr(attempt, "PERIOD_SECONDS", SECONDS)  # the other one gives none
            context.checkpoint("here")
        [thread], lease = of_heartbeats(), stack.task(key).lease_until
        stack.clock.advance(1)

        # WHEN it is written there
        hidden.clear()
        may_go_on.set()
        thread.join(SECONDS)

        # THEN the lease, and the message, are those of that invocation
        return [stack.task(key).lease_until == lease, hidden]

    key = queued(stack)
    stack.work_one()
    stack.work_one()

    task = stack.task(key)
    assert (task.result, task.attempt) == ([True, []], 1)


def test_a_late_sign_of_life_does_not_hide_a_message_that_was_given_back(stack, late, monkeypatch):
    # GIVEN one that has renewed the lease, and is about to hide the message
    cat, (began, may_go_on, stand) = TaskType("cat", backoff=Backoff(base=7)), late
    keep = queue_worker.Hiding.keep
    monkeypatch.setattr(queue_worker.Hiding, "keep", lambda hiding, seconds: stand() or keep(hiding, seconds))

    @cat.task
    def handle(event, context):
        stack.clock.advance(60)
        assert began.wait(SECONDS)
        raise ValueError("no food")

    key = queued(stack)
    stack.work_one()

    # WHEN it does, after the message was given back
    [thread] = of_heartbeats()
    may_go_on.set()
    thread.join(SECONDS)

    # THEN the next attempt is not put off
    assert (stack.task(key).status, hidden_for(stack)) == (TaskStatus.ERRORED, 7)


def test_a_message_is_given_back_after_the_sign_of_life_that_is_hiding_it(stack, late, monkeypatch):
    cat, (began, _, _) = TaskType("cat", backoff=Backoff(base=7)), late
    key, hide = queued(stack), stack.memory.queue.hide

    def hide_late(record, seconds):
        if threading.current_thread().name == "heartbeat":
            began.set()
            until(lambda: stack.task(key).status is TaskStatus.ERRORED)  # which does not wait for this
        hide(record, seconds)

    monkeypatch.setattr(stack.memory.queue, "hide", hide_late)

    @cat.task
    def handle(event, context):
        stack.clock.advance(60)
        assert began.wait(SECONDS)
        raise ValueError("no food")

    stack.work_one()

    assert hidden_for(stack) == 7


def test_a_sign_of_life_shortens_no_lease_that_a_checkpoint_gave_meanwhile(stack, late, monkeypatch):
    cat, (began, may_go_on, stand) = TaskType("cat"), late
    key, update = queued(stack), stack.memory.table.update
    monkeypatch.setattr(stack.memory.table, "update", lambda change: stand() or update(change))

    @cat.task
    def handle(event, context):
        stack.clock.advance(60)
        assert began.wait(SECONDS)
        stack.clock.advance(20)
        context.checkpoint(1)
        may_go_on.set()
        until(lambda: hidden_for(stack) > 100)  # the next one finds the lease, and hides the message for as long
        return [stack.task(key).lease_until, context.cancelled]

    stack.work_one()

    assert stack.task(key).result == ["2026-01-01T00:03:20.000Z", False]
