"""Several sub-tasks of a held chunk at once: ``async def`` handlers in an event loop, others in threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from serverless_tasks.core.inputs.json_text import result_text
from serverless_tasks.workers.chunk.sub_task import Invocation, Line, SubTask
from serverless_tasks.workers.user_code.coroutines import call_in_loop, cancelled_itself, run_coroutine
from serverless_tasks.workers.user_code.deadlines import deadline
from serverless_tasks.workers.user_code.places import of_coroutine, of_thread
from serverless_tasks.workers.user_code.process import in_one_process, put_back
from serverless_tasks.workers.user_code.runner import DeadlineReached, Ended, Raised, Returned, ended_by

if TYPE_CHECKING:
    from serverless_tasks.workers.chunk.run import Agenda, Lines

BLOCKED_SECONDS = 1.0
"""An event loop that is so late at the end of the invocation is held up by a handler, which is interrupted then."""

Attempt = asyncio.Task[Line | None]


@dataclass(slots=True)
class Slot:
    """A sub-task that runs, and the time of the event loop at which it is given up."""

    sub_task: SubTask
    ends_at: float

    def begin(self) -> None:
        """Its time begins with its first step: until then a neighbour may have held up the event loop."""
        self.sub_task.begin()
        self.ends_at = _loop_time() + self.sub_task.seconds


class Crew:
    """Runs up to ``size`` sub-tasks at once. Only the main thread starts them, keeps outcomes and writes.

    A sub-task whose time is up is given up: its attempt is charged, and a later result is dropped. A coroutine is
    cancelled; a thread cannot be, and keeps its slot until it returns, so that never more than so many run.
    """

    def __init__(self, invocation: Invocation, size: int, agenda: Agenda, lines: Lines) -> None:
        self._invocation = invocation
        self._size = size
        self._agenda = agenda
        self._lines = lines
        self._threads = ThreadPoolExecutor(size, "sub-task")
        self._running: dict[Attempt, Slot] = {}
        self._given_up: set[Attempt] = set()
        self._stopped = False

    def run(self) -> None:
        """Run sub-tasks until none is left or the time is up. Those that still run when this raises are dropped."""
        try:
            with put_back(), deadline(self._invocation.left() + BLOCKED_SECONDS), in_one_process():
                run_coroutine(self._work())
        except DeadlineReached as reached:
            for slot in self._running.values():
                self._end(slot.sub_task, slot.sub_task.timed_out(reached))
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        while self._start() or self._waits_for_room():
            await self._wait()
            self._collect()
            self._give_up()
            if self._lines.flush_is_due() and not self._lines.flush():
                self._stopped = True

    def _start(self) -> bool:
        """Start the due ones, in order, while there are room and time; returns whether anything runs."""
        while self._has_room() and self._next_may_start():
            sub_task = self._agenda.begin(self._agenda.take())
            slot = Slot(sub_task, _loop_time() + sub_task.seconds)
            self._running[asyncio.create_task(self._attempt(slot))] = slot
        return bool(self._running)

    def _has_room(self) -> bool:
        return not self._stopped and len(self._running) + len(self._given_up) < self._size

    def _next_may_start(self) -> bool:
        if not self._running:
            return self._agenda.wait()  # it may hold up the event loop, in which nothing runs
        due_in = self._agenda.due_in()
        return due_in is not None and due_in <= 0 and self._agenda.has_time()

    def _waits_for_room(self) -> bool:
        return not self._stopped and len(self._given_up) == self._size and self._agenda.due_in() is not None

    async def _wait(self) -> None:
        """Until one ends or its time is up, or another one is due."""
        everyone = {*self._running, *self._given_up}
        done, _ = await asyncio.wait(everyone, timeout=self._patience(), return_when=asyncio.FIRST_COMPLETED)
        if not done and not self._running:
            self._stopped = True

    def _patience(self) -> float:
        if not self._running:
            return max(0.0, self._agenda.longest_wait())
        times = [slot.ends_at - _loop_time() for slot in self._running.values()]
        due_in = self._agenda.due_in()
        if due_in is not None and self._has_room() and self._agenda.has_time():
            times.append(due_in)
        return max(0.0, min(times))

    def _collect(self) -> None:
        for attempt in [attempt for attempt in self._running if attempt.done()]:
            sub_task = self._running.pop(attempt).sub_task
            try:
                line = attempt.result()
            except asyncio.CancelledError as error:
                line = sub_task.failed(Raised(cancelled_itself(error), permanent=False))
            except GeneratorExit as error:
                line = sub_task.failed(Raised(error, permanent=False))
            self._end(sub_task, line)
        self._given_up = {attempt for attempt in self._given_up if not attempt.done()}

    def _give_up(self) -> None:
        now = _loop_time()
        for attempt in [attempt for attempt, slot in self._running.items() if slot.ends_at <= now]:
            sub_task = self._running.pop(attempt).sub_task
            self._given_up.add(attempt)
            place = of_coroutine(attempt.get_coro()) if sub_task.is_async() else of_thread(sub_task.thread)
            if sub_task.is_async():
                attempt.cancel()
            self._end(sub_task, sub_task.timed_out(DeadlineReached(place)))

    def _end(self, sub_task: SubTask, line: Line | None) -> None:
        if line is None:
            self._stopped = True
        else:
            self._agenda.end(sub_task, line)

    async def _attempt(self, slot: Slot) -> Line | None:
        slot.begin()
        sub_task, in_thread = slot.sub_task, asyncio.get_running_loop().run_in_executor
        match await _run_in_loop(sub_task):
            case None:
                return await in_thread(self._threads, sub_task.run)
            case Returned(text):  # storing it holds up none of the others
                return sub_task.in_line(text) or await in_thread(self._threads, sub_task.stored, text)
            case ended:
                return sub_task.failed(ended)


async def _run_in_loop(sub_task: SubTask) -> Ended | None:
    """How it ended, if the event loop can run it; None for a sub-task that needs a thread."""
    try:
        if not sub_task.is_async():
            return None
        with in_one_process():
            return Returned(result_text(await call_in_loop(sub_task.handlers(), sub_task.context())))
    except (asyncio.CancelledError, GeneratorExit):
        raise  # a loop ends a coroutine that it drops with these, too: the crew tells them apart
    except BaseException as error:  # Catch here: asyncio lets SystemExit escape the loop.
        return ended_by(error)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
