"""Several sub-tasks of a held chunk at once: ``async def`` handlers in an event loop, others in threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from serverless_tasks.core.inputs.json_text import result_text
from serverless_tasks.workers.chunk.agenda import IDLE_SECONDS, Agenda
from serverless_tasks.workers.chunk.chunk_outcomes import ChunkOutcomes
from serverless_tasks.workers.chunk.held_chunk import HeldChunk
from serverless_tasks.workers.chunk.sub_task_run import Ended, SubTaskRun
from serverless_tasks.workers.user_code.coroutines import call_in_loop, cancelled_itself, run_coroutine
from serverless_tasks.workers.user_code.deadline import DeadlineReached, Unwinding, deadline

BLOCKED_SECONDS = 1.0
"""An event loop that is so late at the end of the invocation is held up by a handler, which is interrupted then."""

Attempt = asyncio.Task[Ended | None]


@dataclass(slots=True)
class Place:
    """Who runs, and the time of the event loop at which it is given up."""

    run: SubTaskRun
    ends_at: float

    def begin(self) -> None:
        """Its time begins with its first step: until then a neighbour may have held up the event loop."""
        self.run.begin()
        self.ends_at = _loop_time() + self.run.seconds


class Crew:
    """Runs up to ``concurrency`` sub-tasks at once. Only the main thread starts them, keeps outcomes and writes.

    One whose time is up is given up: its attempt is charged and what it still returns is dropped. A coroutine is
    cancelled; a thread cannot be, and keeps its place until it returns, so that never more than so many run.
    """

    def __init__(self, held: HeldChunk, agenda: Agenda, outcomes: ChunkOutcomes) -> None:
        self._held = held
        self._agenda = agenda
        self._outcomes = outcomes
        self._size = held.policy.concurrency
        self._threads = ThreadPoolExecutor(self._size, "sub-task")
        self._running: dict[Attempt, Place] = {}
        self._given_up: set[Attempt] = set()
        self._stopped = False

    def run(self) -> None:
        """Run what is due, until nothing is left or the time is up. Whoever still runs when this raises is dropped."""
        try:
            with deadline(self._held.left() + BLOCKED_SECONDS):
                run_coroutine(self._work())
        except DeadlineReached:
            for place in self._running.values():
                self._end(place.run, place.run.timed_out())
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        while self._start() or self._waits_for_room():
            await self._wait()
            self._collect()
            self._give_up()
            if self._outcomes.flush_is_due() and not self._outcomes.flush():
                self._stopped = True

    def _start(self) -> bool:
        """Start what is due, in order, while there are room and time; returns whether anything runs."""
        while self._has_room() and self._next_may_start():
            run = self._agenda.begin(self._agenda.take())
            place = Place(run, _loop_time() + run.seconds)
            self._running[asyncio.create_task(self._attempt(place))] = place
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
            return max(0.0, min(IDLE_SECONDS, self._held.left()))
        times = [place.ends_at - _loop_time() for place in self._running.values()]
        due_in = self._agenda.due_in()
        if due_in is not None and self._has_room() and self._agenda.has_time():
            times.append(due_in)
        return max(0.0, min(times))

    def _collect(self) -> None:
        for attempt in [attempt for attempt in self._running if attempt.done()]:
            run = self._running.pop(attempt).run
            try:
                ended = attempt.result()
            except asyncio.CancelledError as error:
                ended = run.failed(cancelled_itself(error))
            except GeneratorExit as error:
                ended = run.failed(error)
            self._end(run, ended)
        self._given_up = {attempt for attempt in self._given_up if not attempt.done()}

    def _give_up(self) -> None:
        now = _loop_time()
        for attempt in [attempt for attempt, place in self._running.items() if place.ends_at <= now]:
            run = self._running.pop(attempt).run
            self._given_up.add(attempt)
            if run.is_async():
                attempt.cancel()
            self._end(run, run.timed_out())

    def _end(self, run: SubTaskRun, ended: Ended | None) -> None:
        if ended is None:
            self._stopped = True
        else:
            self._agenda.end(run, ended)

    async def _attempt(self, place: Place) -> Ended | None:
        place.begin()
        run = place.run
        in_thread = asyncio.get_running_loop().run_in_executor
        try:
            if run.is_async():
                text = result_text(await call_in_loop(run.handlers(), run.context()))
                return run.in_line(text) or await in_thread(self._threads, run.stored, text)  # and nobody else waits
        except DeadlineReached:
            return run.timed_out()
        except (Unwinding, asyncio.CancelledError, GeneratorExit):
            raise  # the last two are also how a loop ends a coroutine that it drops: who collects it knows
        except BaseException as error:  # and here, for of what ends a process asyncio lets some out of its loop
            return run.failed(error)
        return await in_thread(self._threads, run.run)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
