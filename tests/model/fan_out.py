"""The model of a Step Functions task: relay, state machine, plan, chunk workers, finish, sweeper, cancel and retry.

Bound: 2 chunks of one sub-task, that of the second tried again once; each attempt may complete or fail, and its worker
stop before or after it; 2 invocations of plan, chunk workers and finish at once, in any mixture (two plans, two workers
of one chunk, two finishes: the state machine goes on without one that it believes lost), each anywhere between its read
and its write; 1 trouble (a crash anywhere, or an error that ends a chunk worker, which gives its chunk back; a lost
stream record; an execution that is stopped); 1 cancel; 1 retry, beside which the chunk workers of the run before go on,
and a plan of it that puts chunks. Leases and waits may end at any time, rounds while their workers run. A worker may be
believed dead at any time, rightly or not, and another one is called then that takes its lease, or
its chunk is freed for a later round.

With lanes: 2 that the relay starts, and the state machine if it comes a third time; no other trouble (1 where it may
take longer), no cancel, no retry. A lane hands over, or dies, anywhere; both machines are alive at once then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from serverless_tasks.core.fan_out import chunks, rounds
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.task.decisions import CheckExecution, Dispatch, sweep
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskStatus

from tests.model import chunk_edges as edges
from tests.model.chunk_edges import CHUNKS, RANGES, letters
from tests.model.edges import write
from tests.model.fan_out_state import Call, Left, State, counted, finished, planned
from tests.model.snapshots import CURRENT, NOW, TASKS, outdated
from tests.support.examples import a_fan_out

INVOCATIONS = 2
WAITING = (1,)
"""Chunks whose sub-tasks may be tried again."""
Steps = Iterator[tuple[str, State]]
_S = TaskStatus


def start(left: Left | None = None) -> State:
    """A task that was just created."""
    task = TASKS.number(a_fan_out(version=CURRENT))
    return State(task, left=left or Left())


IN_LANES = Left(troubles=0, cancels=0, retries=0, lanes=2)
"""Bounds of the task that begins in a lane."""


def ended(state: State) -> bool:
    """Whether the task has ended."""
    return TASKS[state.task].status.terminal


def check(state: State) -> None:
    """What is true of every state."""
    task = TASKS[state.task]
    if task.status.terminal and not state.execution:
        return  # the end, see State.moved
    for number in range(len(RANGES)):
        holders = [call for call in state.calls if call.does == "hold" and call.number == number]
        assert len(holders) <= 1, f"two workers hold chunk {number}"
    if task.status not in (_S.PROCESSING, _S.FINISHED, _S.COMPLETED):
        return
    found = _chunks(state)
    assert len(found) == len(RANGES), f"{task.status} without all its chunks"
    done = [chunk for chunk in found if chunk.done_in(task.run)]
    if task.status is _S.PROCESSING:
        done = [chunk for chunk in done if chunk.number in task.done_chunks]
        assert {chunk.number for chunk in done} == task.done_chunks, "a chunk is counted that is not done"
    counters = (task.attributes["subTaskSucceedCount"], task.attributes["subTaskFailedCount"])
    counts = (sum(chunk.succeeded for chunk in done), sum(chunk.failed for chunk in done))
    assert counters == counts, f"{task.status} counts {counters}, its chunks {counts}"
    if task.status is not _S.PROCESSING:
        assert len(done) == len(RANGES), f"{task.status} before every chunk was done"
    if task.status is _S.COMPLETED:
        assert all(set(letters(chunk, task.run)) == {"C"} for chunk in found), "COMPLETED with failed sub-tasks"


def successors(state: State) -> Steps:
    """Everything that can happen next."""
    yield from _relay(state)
    yield from _sweeper(state)
    yield from _execution(state)
    yield from _lanes(state)
    yield from _people(state)
    yield from _trouble(state)
    for call in set(state.calls):
        for name, after in _CALLS[call.does](state, state.without(call), call):
            yield f"{call.does} {name}", after
    for number, chunk in enumerate(state.chunks):
        for field in ("lease_until", "due_at"):
            after = None if chunk is None else edges.time_passes(chunk, field)
            if after is not None:
                yield f"time passes {field} {number}", state.wrote(number, after)


def _chunks(state: State) -> list[Chunk]:
    return [CHUNKS[chunk] for chunk in state.chunks if chunk is not None]


def _relay(state: State) -> Steps:
    if state.relay:
        yield "relay writes STARTED", _transition(state._replace(record="", relay=False), "started")
    elif state.record:
        passed = state.with_lane() if state.left.lanes else state.started()
        yield (
            "relay starts the execution",
            passed._replace(record="") if state.record == "late" else passed._replace(relay=True),
        )
        if state.left.lanes > 1:
            yield "relay is given the record twice", passed.with_lane()._replace(relay=True)
    if TASKS[state.task].status is _S.CANCELLED and state.execution not in ("", "ended"):
        yield "relay stops the execution", state.at("ended")


def _transition(state: State, name: str) -> State:
    return state.moved(_must(write(state.task, name, state.task), name))


def _must(after: int | None, what: str) -> int:
    assert after is not None, f"{what} was refused although nobody was in between"
    return after


def _sweeper(state: State) -> Steps:
    """Look and act; what the sweeper writes to the task comes later."""
    task = TASKS[state.task]
    if state.sweeper:
        yield f"sweeper writes {state.sweeper}", _transition(state._replace(sweeper=""), state.sweeper)
        return
    if task.status.terminal:
        return
    step = sweep(task, NOW, 300)
    assert write(state.task, "looked_at", state.task) is not None, "the sweeper's look was refused"
    if isinstance(step, Dispatch):
        yield "sweeper starts the execution", state.started()._replace(sweeper="started")
    elif isinstance(step, CheckExecution):
        ended = state.execution == "ended"
        yield "sweeper looks at the execution", state._replace(sweeper="failed") if ended else state.started()


def _execution(state: State) -> Steps:
    if state.execution == "chunks":
        yield "round ends", state.at("plan")
    if state.execution in ("", "ended") or len(state.calls) >= INVOCATIONS:
        return
    task = TASKS[state.task]
    if state.execution == "chunks":
        for number in range(len(RANGES)) if task.status is _S.PROCESSING else ():
            yield f"invoke chunk {number}", state.plus(Call("claim", task.run, number))
            yield from _free(state, task.run, number)
            yield from _replace_worker(state, task.run, number)
    elif task.status.terminal:
        yield "execution ends", state.at("ended")
    elif state.execution == "plan":
        yield "invoke plan", _plan(state)
    elif state.execution == "finish":
        yield "invoke finish", _finish(state)
    else:
        yield "invoke give up", state.plus(Call("give up", task.run))


def _lanes(state: State) -> Steps:
    task = TASKS[state.task]
    for name, place in state.lanes:
        over = state.lane_at(name, "")
        yield f"hand over {name}", over.started()
        yield f"crash {name}", over
        if task.status.terminal or (place == "plan" and _has_another(task, name)):
            yield f"end {name}", over
        elif place == "plan":
            yield from _lane_plans(state, name)
        elif place == "chunks":
            yield from _lane_runs(state, name)
        elif len(state.calls) < INVOCATIONS and not _is_left(state):
            does = "fan-in" if task.status is _S.FINISHED else "finish"
            yield f"invoke {does} in {name}", state.plus(Call(does, task.run))


def _has_another(task: TaskEntity, name: str) -> bool:
    return task.status is _S.FINISHED or (task.status is _S.PROCESSING and task.execution_arn != name)


def _lane_plans(state: State, name: str) -> Steps:
    task = TASKS[state.task]
    if task.status is _S.PROCESSING:
        step = rounds.next_step(_chunks(state), task.run, NOW, None, 300)
        if step["next"] != "wait":  # else it hands over, as it may anyway
            yield f"go on {name}", state.lane_at(name, {"run": "chunks", "finish": "finish"}[step["next"]])
    elif len(state.calls) < INVOCATIONS:
        yield f"invoke plan in {name}", state.plus(Call("begin", task.run, lane=name))


def _lane_runs(state: State, name: str) -> Steps:
    task = TASKS[state.task]
    yield f"round ends in {name}", state.lane_at(name, "finish")
    for number in range(len(RANGES)) if task.status is _S.PROCESSING and len(state.calls) < INVOCATIONS else ():
        yield f"invoke chunk {number} in {name}", state.plus(Call("claim", task.run, number))
        yield from _free(state, task.run, number)


def _free(state: State, run: int, number: int) -> Steps:
    after = edges.free(_must(state.chunks[number], "a chunk"), run)
    if after is not None:
        yield f"free chunk {number}", state.wrote(number, after)


def _replace_worker(state: State, run: int, number: int) -> Steps:
    chunk = _must(state.chunks[number], "a chunk")
    after = edges.claim_lost(chunk, run)
    if after is not None:
        yield f"replace worker {number}", state.wrote(number, after, claimed=True).plus(Call("hold", run, number))


def _plan(state: State) -> State:
    task = TASKS[state.task]
    if task.status is _S.FINISHED:
        return state.at("finish")
    if task.status is not _S.PROCESSING:
        return state.plus(Call("begin", task.run))
    step = rounds.next_step(_chunks(state), task.run, NOW, None, 300)
    return state.at({"run": "chunks", "finish": "finish", "wait": "plan"}[step["next"]])


def _finish(state: State) -> State:
    task = TASKS[state.task]
    if _is_left(state):
        return state.at("give up")
    return state.plus(Call("fan-in" if task.status is _S.FINISHED else "finish", task.run))


def _is_left(state: State) -> bool:
    found = _chunks(state)
    _, done = chunks.recount(found, TASKS[state.task].run)
    return len(done) < len(found)


def _people(state: State) -> Steps:
    status = TASKS[state.task].status
    if state.left.cancels and not status.terminal:
        yield "cancel", _transition(state, "cancelled").spend("cancels")
    if state.left.retries and status in (_S.FAILED, _S.CANCELLED):
        yield "retry", _transition(state, "retried").spend("retries")


def _trouble(state: State) -> Steps:
    if not state.left.troubles:
        return
    less = state.spend("troubles")
    for call in set(state.calls):
        yield f"crash {call.does}", less.without(call)
        if call.does == "hold":
            chunk = _must(state.chunks[call.number], "a chunk")
            given_back = _must(edges.give_back(chunk, chunk), "a chunk that is given back")
            yield "crash that is told", less.without(call).wrote(call.number, given_back)
        if state.execution in ("plan", "finish"):
            yield f"crash {call.does} for the last time", less.without(call).at("give up")
    if state.relay:
        yield "crash relay", less._replace(relay=False)
    elif state.record:
        yield "lose record", less._replace(record="")
    if state.sweeper:
        yield "crash sweeper", less._replace(sweeper="")
    if state.execution not in ("", "ended"):
        yield "stop execution", less.at("ended")


def _counts(state: State, run: int) -> tuple[tuple[int, int], tuple[int, ...]]:
    counts, done = chunks.recount(_chunks(state), run)
    return (counts["subTaskSucceedCount"], counts["subTaskFailedCount"]), tuple(sorted(done))


def _begin(state: State, others: State, call: Call) -> Steps:
    if call.number < len(RANGES):
        after = others.plus(call._replace(number=call.number + 1))
        put = state.chunks[call.number] is None
        yield "puts a chunk", after.wrote(call.number, edges.created(state.task, call.number)) if put else after
        return
    counts = _counts(state, call.run)
    if not call.counts:
        yield "counts", others.plus(Call("plan", call.run, counts=counts, lane=call.lane))
        return
    seen = outdated(TASKS.number(replace(TASKS[state.task], run=call.run, status=_S.CREATED)))
    assert planned(state.task, seen, *counts) is None, "planned by a late writer"
    yield "is late", others


def _planned(state: State, others: State, call: Call) -> Steps:
    yield "writes PROCESSING", others.moved(_must(planned(state.task, state.task, *call.counts, call.lane), "planned"))


def _claim(state: State, others: State, call: Call) -> Steps:
    chunk = _must(state.chunks[call.number], "a chunk")
    after = edges.claim(chunk, call.run)
    seen = CHUNKS[chunk]
    if after is not None:
        yield "succeeds", others.wrote(call.number, after, claimed=True).plus(Call("hold", call.run, call.number))
    elif seen.done_in(call.run):
        yield "finds it done", others.plus(call._replace(does="count", seen=chunk))
    elif seen.run >= call.run:
        yield "finds it held", others
    else:
        yield "finds it left over", others.plus(call._replace(does="take", seen=chunk))


def _take(state: State, others: State, call: Call) -> Steps:
    chunk = state.chunks[call.number]
    after = None if chunk is None else edges.take_over(chunk, call.seen, call.run)
    if after is None:
        assert chunk is not None, "there is no chunk"
        more = CHUNKS[chunk].succeeded > CHUNKS[call.seen].succeeded
        assert more, "a take-over was refused although nobody was in between"
        yield "is late", others
        return
    yield "succeeds", others.wrote(call.number, after, claimed=True).plus(Call("hold", call.run, call.number))


def _hold(state: State, others: State, call: Call) -> Steps:
    chunk = _must(state.chunks[call.number], "a chunk")
    found = letters(CHUNKS[chunk], call.run)
    offset = min((found.find(letter) for letter in "-W" if letter in found), default=None)
    if offset is not None:
        for letter in "CFW" if found[offset] == "-" and call.number in WAITING else "CF":
            after = _must(edges.flush(chunk, chunk, call.run, offset, letter), "a flush")
            yield f"flushes {letter}", state.wrote(call.number, after)
    after = _must(edges.release(chunk, chunk, call.run), "a release")
    released = others.wrote(call.number, after)
    yield (
        "releases",
        released.plus(call._replace(does="count", seen=after)) if CHUNKS[after].done_in(call.run) else released,
    )


def _count(state: State, others: State, call: Call) -> Steps:
    after = counted(state.task, call.run, call.seen)
    yield ("is late", others) if after is None else ("adds", others._replace(task=after))


def _finished(state: State, others: State, call: Call) -> Steps:
    after = _must(finished(state.task, state.task, _counts(state, call.run)[0]), "finished")
    yield "writes FINISHED", others.moved(after).plus(call._replace(does="fan-in"))


def _fan_in(state: State, others: State, call: Call) -> Steps:
    yield "fails", _transition(others, "failed")
    if not _counts(state, call.run)[0][1]:
        yield "completes", _transition(others, "completed")


def _give_up(state: State, others: State, call: Call) -> Steps:
    yield "writes FAILED", _transition(others, "failed")


def _lost(state: State, others: State, call: Call) -> Steps:
    yield "is forgotten", others
    if state.execution == "finish":
        yield "ends the execution", others.at("ended")


_CALLS = {
    "begin": _begin,
    "plan": _planned,
    "claim": _claim,
    "take": _take,
    "hold": _hold,
    "count": _count,
    "finish": _finished,
    "fan-in": _fan_in,
    "give up": _give_up,
    "lost": _lost,
}
