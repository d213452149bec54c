"""A state of the fan-out model: the items, and every writer that may still write to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.status import TaskStatus

from tests.model import chunk_edges as edges
from tests.model.chunk_edges import RANGES, SUB_TASKS
from tests.model.edges import apply, later_runs, write
from tests.model.snapshots import NOW, TASKS, outdated

POLICY = {"maxAttempts": 3, "fanIn": True}


class Left(NamedTuple):
    """What may still go wrong, or be asked for."""

    troubles: int = 1
    cancels: int = 1
    retries: int = 1
    lanes: int = 0
    """How often the relay starts a lane; from then on it starts the state machine."""


class Call(NamedTuple):
    """An invocation that is under way. What it remembers of the parent is what the parent is, but for a late plan."""

    does: str
    """Plan: ``begin`` has yet to put the chunks from ``number`` on; ``plan`` has counted them, and writes PROCESSING.
    Chunk worker: ``claim``, ``take`` what an earlier run left, ``hold``, ``count``. Finish: ``finish`` has counted and
    writes FINISHED, ``fan-in`` runs, ``give up`` got a failure, ``lost`` was refused its write."""
    run: int
    number: int = 0
    seen: int = 0
    """The chunk as it was seen, for ``take`` and ``count``."""
    counts: tuple[Any, ...] = ()
    """Of ``plan``: what it counted; of ``begin``: something when the parent has moved on."""
    lane: str = ""
    """Of ``begin`` and ``plan``: the lane that called, if one did."""


class State(NamedTuple):
    """The items and everything that may still write to them."""

    task: int
    chunks: tuple[int | None, ...] = (None,) * len(RANGES)
    record: str = "now"
    """The record of the status CREATED that the relay has yet to pass on: none (""), "now", or of the past ("late")."""
    relay: bool = False
    """Whether the relay started the execution, STARTED not yet written."""
    sweeper: str = ""
    """What it is about to write: nothing, "started", or "failed" as the execution has ended."""
    execution: str = ""
    """Of this run: "" before its start, "plan", "chunks", "finish", "give up", "ended"."""
    lanes: tuple[tuple[str, str], ...] = ()
    """Name of each lane of this run, and where it is: "plan", "chunks", "finish"."""
    calls: tuple[Call, ...] = ()
    left: Left = Left()

    def spend(self, name: str) -> State:
        """With one less of something left."""
        return self._replace(left=self.left._replace(**{name: getattr(self.left, name) - 1}))

    def plus(self, call: Call) -> State:
        """With one more invocation."""
        return self._with([*self.calls, call])

    def without(self, call: Call) -> State:
        """After the invocation."""
        calls = list(self.calls)
        calls.remove(call)
        return self._with(calls)

    def _with(self, calls: list[Call]) -> State:
        return self._replace(calls=tuple(sorted(calls)))

    def at(self, execution: str) -> State:
        """With the execution in this state."""
        return self._replace(execution=execution)

    def with_lane(self) -> State:
        """After another lane was started: it is none that there was before."""
        name = f"lane {self.left.lanes}"
        return self._replace(lanes=tuple(sorted((*self.lanes, (name, "plan"))))).spend("lanes")

    def lane_at(self, name: str, place: str) -> State:
        """With the lane in this state; "" is its end."""
        others = [lane for lane in self.lanes if lane[0] != name]
        return self._replace(lanes=tuple(sorted([*others, (name, place)] if place else others)))

    def started(self) -> State:
        """After StartExecution: started twice, it runs once."""
        return self if self.execution else self.at("plan")

    def moved(self, task: int) -> State:
        """After a transition of the parent: what every writer remembers of it is of the past.

        A writer that has nothing left but a write that names the version has lost it, now and for ever, as versions
        only grow. That it is refused is checked here; then it is forgotten. So is, after a retry, the execution of the
        run before: its plans and finishes see another run. Its chunk workers go on, and a plan that puts chunks.
        """
        seen = outdated(self.task)
        for name in filter(None, (self.relay and "started", self.sweeper)):
            _is_refused(write(task, name, seen), name)
        calls = [after for call in self.calls for after in _late(call, task, seen)]
        if TASKS[task].run > TASKS[self.task].run:
            going_on = [call for call in calls if call.does in ("begin", "claim", "take", "hold")]
            return State(task, self.chunks, left=self.left)._with(going_on)
        if TASKS[task].status.terminal and (TASKS[task].status is TaskStatus.COMPLETED or not self.left.retries):
            return State(task, left=self.left._replace(troubles=0), record="")  # nobody is left who could change that
        record = "late" if self.record and not self.relay and not self.execution else ""  # else it starts nothing
        return self._replace(task=task, record=record, relay=False, sweeper="")._with(calls)

    def wrote(self, number: int, chunk: int, *, claimed: bool = False) -> State:
        """After a write to a chunk. After a claim, the holder before has lost it, which is checked."""
        state = self._replace(chunks=tuple(chunk if n == number else c for n, c in enumerate(self.chunks)))
        before = self.chunks[number]
        if not claimed or before is None:
            return state
        held = edges.outdated(before)
        kept = []
        for call in self.calls:
            if call.does == "hold" and call.number == number:
                _is_refused(edges.flush(chunk, held, call.run, 0, "F"), "flush")
                _is_refused(edges.release(chunk, held, call.run), "release")
            elif call.does == "take" and call.number == number:
                _is_refused(edges.take_over(chunk, edges.outdated(call.seen), call.run), "take_over")
            else:
                kept.append(call)
        return state._with(kept)


def _late(call: Call, task: int, seen: int) -> Iterator[Call]:
    """What becomes of an invocation when the task has moved on: itself, changed, or nothing."""
    match call.does:
        case "begin":
            yield call._replace(counts=("late",))
        case "plan":
            _is_refused(planned(task, seen, *call.counts), "planned")  # the planner reads again, like a new one
        case "finish" | "fan-in":
            refused = finished(task, seen, (0, 0)) if call.does == "finish" else write(task, "completed", seen)
            _is_refused(refused, call.does)
            _is_refused(write(task, "failed", seen), "failed")
            yield Call("lost", call.run)
        case "give up":
            _is_refused(write(task, "failed", seen), "failed")  # the state machine tries again
        case "count":
            if TASKS[task].run == call.run and not TASKS[task].status.terminal:
                yield call
            for later in later_runs(task) if TASKS[task].run > call.run or TASKS[task].status.terminal else ():
                _is_refused(counted(later, call.run, call.seen), "a count")
        case _:
            yield call


def _is_refused(after: int | None, what: str) -> None:
    assert after is None, f"{what} by a late writer"


@cache
def planned(task: int, seen: int, counts: tuple[int, int], done: tuple[int, ...], lane: str = "") -> int | None:
    """Plan writes PROCESSING with what it counted."""
    parent = TASKS[seen]
    arn = lane or f"execution-{parent.run}"
    counters = {"subTaskCount": SUB_TASKS, "subTaskSucceedCount": counts[0], "subTaskFailedCount": counts[1]}
    return apply(task, transitions.planned(parent, NOW, arn, counters, frozenset(done), policy=POLICY))


@cache
def finished(task: int, seen: int, counts: tuple[int, int]) -> int | None:
    """Finish writes FINISHED with what it counted."""
    counters = {"subTaskSucceedCount": counts[0], "subTaskFailedCount": counts[1]}
    return apply(task, transitions.finished(TASKS[seen], NOW, counters))


@cache
def counted(task: int, run: int, chunk: int) -> int | None:
    """A chunk worker counts its chunk on the parent."""
    return apply(task, chunks.progress(replace(TASKS[task], run=run), edges.CHUNKS[chunk], NOW))
