"""Handlers are called alike, be they plain or ``async def``, one or several."""

import asyncio
import functools

import pytest
from serverless_tasks import PermanentError, TaskContext
from serverless_tasks.workers.attempt import HandOver
from serverless_tasks.workers.user_code.runner import DeadlineReached, call, call_handler, decisive

pytestmark = pytest.mark.usefixtures("event_loops")
CONTEXT = TaskContext()


async def doubled(event, context):
    await asyncio.sleep(0)
    return event * 2


class Callable:
    async def __call__(self, event, context):
        return event * 2


def test_each_handler_gets_its_event_and_the_context():
    seen = []

    def note(event, given):
        seen.append((event, given))
        return len(seen)

    assert call([(note, "a")], CONTEXT) == 1
    assert call([(note, "b"), (note, "c")], CONTEXT) == [2, 3]
    assert seen == [("a", CONTEXT), ("b", CONTEXT), ("c", CONTEXT)]


@pytest.mark.parametrize("handler", [doubled, functools.partial(doubled), Callable()])
def test_a_coroutine_is_run_to_its_end(handler):
    assert call([(handler, 2)], CONTEXT) == 4
    assert call([(handler, 2), (lambda event, context: event, 3)], CONTEXT) == [4, 3]


def test_a_coroutine_has_an_event_loop_of_its_own_and_leaves_none():
    loops = []

    async def note():
        loops.append(asyncio.get_running_loop())

    call_handler(note)
    call_handler(note)

    assert [loop.is_closed() for loop in loops] == [True, True]
    assert loops[0] is not loops[1]
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


def test_what_a_coroutine_leaves_behind_is_cancelled():
    told = []

    async def stay():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def leave():
        told.append(asyncio.create_task(stay()))
        await asyncio.sleep(0)
        return "left"

    assert call_handler(leave) == "left"
    assert told[1:] == ["cancelled"]


@pytest.mark.parametrize("error", [ValueError("no"), PermanentError("never"), HandOver(), DeadlineReached()])
def test_errors_pass_unchanged(error):
    async def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        call_handler(fail)
    assert caught.value is error


@pytest.mark.parametrize("error", [PermanentError("never"), HandOver(), DeadlineReached()])
def test_what_decides_passes_out_of_a_task_group(error):
    async def fail(what):
        raise what

    async def several():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(ValueError("no")))
            group.create_task(fail(error))

    with pytest.raises(type(error)) as caught:
        call_handler(several)
    assert caught.value is error


def test_of_a_group_the_end_decides_then_what_forbids_a_retry():
    plain, permanent, end = ValueError(), PermanentError(), HandOver()
    assert decisive(BaseExceptionGroup("", [plain, ExceptionGroup("", [permanent]), end])) is end
    assert decisive(ExceptionGroup("", [plain, ExceptionGroup("", [permanent])])) is permanent
    group = ExceptionGroup("", [plain, ExceptionGroup("", [plain])])
    assert decisive(group) is group
    group = BaseExceptionGroup("", [KeyboardInterrupt(), permanent, end])
    assert decisive(group) is end
    assert decisive(BaseExceptionGroup("", [KeyboardInterrupt(), permanent])) is permanent
    group = BaseExceptionGroup("", [KeyboardInterrupt(), plain])
    assert decisive(group) is group


def test_a_plain_handler_may_raise_a_group_too():
    def fail():
        raise BaseExceptionGroup("of a loop of its own", [ValueError(), HandOver()])

    with pytest.raises(HandOver):
        call_handler(fail)


@pytest.mark.parametrize("whom", ["itself", "another"])
def test_a_handler_that_cancels_itself_has_failed(whom):
    async def cancel():
        if whom == "itself":
            asyncio.current_task().cancel()
            await asyncio.sleep(0)
        other = asyncio.create_task(asyncio.sleep(60))
        other.cancel("changed my mind")
        await other

    with pytest.raises(RuntimeError, match=r"^the handler's own code cancelled it") as caught:
        call_handler(cancel)
    assert str(caught.value).endswith("changed my mind") is (whom == "another")


def test_without_an_event_loop_the_coroutine_is_closed_unrun(monkeypatch):
    def refuse():
        raise OSError("too many open files")

    monkeypatch.setattr(asyncio, "new_event_loop", refuse)
    monkeypatch.setattr(asyncio.events, "new_event_loop", refuse)
    with pytest.raises(OSError, match="too many open files"):
        call([(doubled, 2)], CONTEXT)  # and no warning that it was never awaited
