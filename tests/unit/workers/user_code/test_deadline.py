"""A time limit holds whatever user code does with signals and timers; the error says where it was then."""

import asyncio
import re
import signal
import threading
import time

import pytest
from serverless_tasks import TaskType
from serverless_tasks.core.errors import PermanentError
from serverless_tasks.core.task_types.failures import UNREADABLE, describe
from serverless_tasks.workers.user_code import deadlines
from serverless_tasks.workers.user_code.places import timeout_error
from serverless_tasks.workers.user_code.runner import DeadlineReached, Raised, Returned, TimedOut, run_within

pytestmark = pytest.mark.usefixtures("event_loops")
SHORT = 0.05


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    """The thread looks much more often than once a second; time itself is what it is."""
    sleep = time.sleep
    monkeypatch.setattr(deadlines, "OVERDUE_SECONDS", 0.05)
    monkeypatch.setattr(
        deadlines, "time", type("Quick", (), {"monotonic": time.monotonic, "sleep": lambda _: sleep(0.02)})
    )


def never_ends():
    while True:
        time.sleep(60)


@pytest.mark.parametrize(
    "harm",
    [
        lambda: signal.alarm(0),
        lambda: signal.setitimer(signal.ITIMER_REAL, 0),
        lambda: signal.signal(signal.SIGALRM, signal.SIG_IGN),
        lambda: signal.signal(signal.SIGALRM, lambda *_: None),
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]),
        lambda: (signal.alarm(1), signal.alarm(0)),
    ],
    ids=["cancelled", "stopped", "ignored", "taken", "blocked", "used"],
)
def test_a_timeout_holds_though_user_code_takes_the_alarm(harm):
    def handler():
        harm()
        never_ends()

    before = signal.getsignal(signal.SIGALRM)
    assert isinstance(run_within(SHORT, handler), TimedOut)
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_alarm_that_user_code_kept_blocked_harms_no_later_task():
    late = []
    before = signal.signal(signal.SIGALRM, lambda *_: late.append(1))

    def handler():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        signal.raise_signal(signal.SIGALRM)

    try:
        assert run_within(60, handler) == Returned("null")
        assert (late, signal.sigpending()) == ([], set())
    finally:
        signal.signal(signal.SIGALRM, before)


def test_an_alarm_of_user_code_is_no_timeout():
    def handler():
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        time.sleep(0.05)
        return "done"

    assert run_within(60, handler) == Returned('"done"')


def test_after_an_alarm_of_user_code_the_timeout_holds_by_its_own():
    def handler():
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        never_ends()

    assert isinstance(run_within(SHORT, handler), TimedOut)


def test_what_swallows_the_deadline_is_interrupted_again(monkeypatch):
    monkeypatch.setattr(deadlines, "AGAIN_SECONDS", 0.05)
    swallowed = []

    def handler():
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        for _ in range(3):
            try:
                never_ends()
            except BaseException:
                swallowed.append(1)
        never_ends()

    assert isinstance(run_within(SHORT, handler), TimedOut)
    assert len(swallowed) == 3


def test_a_signal_that_comes_late_harms_no_later_task():
    run_within(60, lambda: None)
    signal.raise_signal(deadlines.SECOND_SIGNAL)
    assert run_within(60, lambda: signal.raise_signal(deadlines.SECOND_SIGNAL)) == Returned("null")


def test_short_calls_share_a_thread_which_ends_after_the_last_of_them(monkeypatch):
    look = threading.Event()
    monkeypatch.setattr(deadlines.time, "sleep", lambda _: look.wait(10))
    monkeypatch.setattr(deadlines, "lookout", deadlines.Lookout())
    threads = set()
    for _ in range(3):
        run_within(60, lambda: threads.add(deadlines.lookout._thread))
    [thread] = threads
    look.set()
    thread.join(10)
    assert not thread.is_alive()
    assert deadlines.lookout._thread is None


def test_without_another_thread_the_alarm_is_there(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    for thread in [t for t in threading.enumerate() if t.name == "lookout"]:
        thread.join(10)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(deadlines, "lookout", deadlines.Lookout())
    assert isinstance(run_within(SHORT, never_ends), TimedOut)


class Slow(Exception):
    def __str__(self):
        time.sleep(60)


class Deadly(PermanentError):
    def __str__(self):
        raise SystemExit(3)


def wrapped():
    try:
        raise Slow
    except Slow as error:
        raise ValueError("no") from error


def grouped():
    raise ExceptionGroup("several", [ValueError(), ExceptionGroup("more", [Slow()])])


@pytest.mark.parametrize(
    ("error", "name", "permanent"),
    [
        (Slow(), "Slow", False),
        (Deadly(), "Deadly", True),
        (wrapped, "ValueError", False),
        (grouped, "ExceptionGroup", False),
    ],
    ids=["slow", "deadly", "its cause", "of a group"],
)
def test_an_error_that_cannot_say_its_message_still_has_its_type(error, name, permanent, monkeypatch):
    monkeypatch.setattr(deadlines, "TEXT_SECONDS", SHORT)

    def handler():
        if callable(error):
            error()
        raise error

    ended = run_within(60, handler)
    assert isinstance(ended, Raised)
    assert (describe(ended.error), ended.permanent) == ({"type": name, "message": UNREADABLE}, permanent)
    assert ended.error.__traceback__ is not None


def test_an_error_among_its_own_causes_is_kept():
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one

    def handler():
        raise one

    assert run_within(60, handler).error is one


def test_what_an_error_has_besides_its_message_is_its_own():
    error = ValueError("no food")
    error.exceptions = None

    def handler():
        raise error

    assert run_within(60, handler).error is error


def test_a_time_that_was_up_before_it_began_has_no_place():
    assert str(timeout_error("too long", None)) == "too long"
    assert str(timeout_error("too long", DeadlineReached())) == "too long"


def waits_in_a_library():
    threading.Event().wait(60)


def test_the_place_is_the_innermost_line_of_the_handlers_own_package(stack):
    TaskType("cat", timeout=1, max_attempts=1).task(lambda event, context: waits_in_a_library())
    error = stack.run(stack.service.create_task("mbc", "cat", 1).key).error
    place = r"tests/unit/workers/user_code/test_deadline\.py:\d+, in waits_in_a_library"
    assert re.fullmatch(rf"the attempt ran longer than 1 s; it was at {place}", error["message"])


async def a_stage():
    await asyncio.sleep(60)


def test_the_place_of_sub_tasks_in_one_loop_is_each_ones_own(stack):
    cat = TaskType("cat", timeout=1, max_attempts=1, concurrency=2, chunk_size=2)

    @cat.sub_task
    async def handle(event, context):
        await (a_stage() if event.index else asyncio.sleep(60))

    key = stack.service.create_step_function_task("mbc", "cat", [0, 1]).key
    stack.run(key)
    said = [item.attributes["error"]["message"] for item in stack.service.list_sub_tasks(key).items]
    assert [message.rpartition(" ")[2] for message in said] == ["handle", "a_stage"]
