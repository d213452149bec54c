"""The model of a single task: queue, relay, workers, sweeper, cancel and retry.

Bound: 2 workers at once, anywhere between reading, claiming, the handler's end and the write of its outcome, each
outcome possible (COMPLETED, ERRORED, FAILED, on in another invocation); 3 attempts, of which later deployments would
allow more; 1 crash of a worker, the relay or the sweeper at any point; 1 message or stream record lost; 1 cancel; 1
retry; 1 continuation, or 1 manual update that takes the task from its worker. A worker may renew its lease at any time,
also one that is over, and after another worker has read the task. Messages may be delivered at any time, early or late,
any number of times, and stay after they were acknowledged (SQS delivers at least once).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from serverless_tasks.core.task import decisions
from serverless_tasks.core.task.decisions import Dispatch, sweep
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskStatus

from tests.model.edges import MAX_ATTEMPTS, later_runs, write
from tests.model.snapshots import AHEAD, CURRENT, NOW, TASKS, outdated, time_passes
from tests.support.examples import a_task

WORKERS = 2


class Worker(NamedTuple):
    """A busy worker: what it does, and what it remembers of the task."""

    phase: str
    seen: int


class Left(NamedTuple):
    """What may still go wrong, or be asked for."""

    crashes: int = 1
    losses: int = 1
    cancels: int = 1
    retries: int = 1
    continuations: int = 1


class State(NamedTuple):
    """The item and everything that may still write to it."""

    task: int
    stream: frozenset[int] = frozenset()
    """Records of the status CREATED that the relay has yet to pass on, as snapshots."""
    relay: int | None = None
    """The record whose message was sent, QUEUED not yet written."""
    sweeper: tuple[str, int] | None = None
    queue: frozenset[int] = frozenset()
    """Runs of which there are messages."""
    workers: tuple[Worker, ...] = ()
    left: Left = Left()

    def spend(self, name: str) -> State:
        """With one less of something left."""
        return self._replace(left=self.left._replace(**{name: getattr(self.left, name) - 1}))

    def moved(self, task: int) -> State:
        """After a transition: what every writer remembers is of the past.

        A writer that has nothing left but a write that names the version has lost it, now and for ever, as versions
        only grow. That it is refused is checked here; the model takes it for one that is idle again.
        """
        lost = [seen for seen in (self.relay, self.sweeper and self.sweeper[0] == "sent" and self.sweeper[1]) if seen]
        for seen in lost:
            _is_refused(task, seen, "queued")
        for worker in self.workers:
            _is_refused(task, worker.seen, *LAST_WRITES[worker.phase])
        if TASKS[task].run > TASKS[self.task].run:
            return self._begun_anew(task)
        return self._replace(
            task=task,
            stream=frozenset(outdated(seen) for seen in self.stream if seen != self.relay),
            relay=None,
            sweeper=("looked", outdated(self.sweeper[1])) if self.sweeper and self.sweeper[0] == "looked" else None,
            workers=tuple(sorted(w._replace(seen=outdated(w.seen)) for w in self.workers if w.phase == "running")),
        )

    def _begun_anew(self, task: int) -> State:
        """After a retry: what is left of the run before is checked to have lost, and forgotten with that run."""
        for seen in self.stream:
            _is_refused(task, seen, "queued")
        for worker, later in product(self.workers, later_runs(task)):
            _is_refused(later, worker.seen, "checkpoint")
        runs = self.queue | {TASKS[seen].run for seen in self.stream}
        for run in runs:
            decision = _decision(TASKS[task], run)
            assert isinstance(decision, decisions.Acknowledge), f"a message of run {run} leads to {decision}"
        return State(task, left=self.left)

    def without(self, worker: Worker) -> State:
        """The worker is idle."""
        workers = list(self.workers)
        workers.remove(worker)
        return self._replace(workers=tuple(workers))

    def plus(self, worker: Worker) -> State:
        """The worker is busy."""
        return self._replace(workers=tuple(sorted((*self.workers, worker))))


LAST_WRITES = {
    "read": ("claimed", "failed", "given_up"),
    "running": ("continued", "checkpoint", "renewed"),
    "ended": ("completed", "errored", "failed"),
}


def _decision(task: TaskEntity, run: int) -> object:
    allowed = task.policy["maxAttempts"] if task.policy else MAX_ATTEMPTS
    return decisions.decide(task, run, NOW, allowed)


def _is_refused(task: int, seen: int, *names: str) -> None:
    for name in names:
        assert write(task, name, outdated(seen)) is None, f"{name} by a late writer"


Steps = Iterator[tuple[str, State]]


def start() -> State:
    """A task that was just created."""
    task = TASKS.number(a_task(version=CURRENT))
    return State(task, stream=frozenset({task}))


def successors(state: State) -> Steps:
    """Everything that can happen next."""
    yield from _relay(state)
    yield from _sweeper(state)
    yield from _people(state)
    yield from _trouble(state)
    if len(state.workers) < WORKERS:
        for run in state.queue:
            yield from _receive(state, run)
    for worker in set(state.workers):
        yield from {"read": _decide, "running": _run, "ended": _end}[worker.phase](state, worker)


def check(state: State) -> None:
    """What is true of every state."""
    task = TASKS[state.task]
    holders = [w for w in state.workers if w.phase in ("running", "ended") and TASKS[w.seen].version == CURRENT]
    assert len(holders) <= 1, "two workers hold the task"
    assert not holders or task.status is TaskStatus.PROCESSING, f"a worker holds a task that is {task.status}"


def ended(state: State) -> bool:
    """Whether the task has ended."""
    return TASKS[state.task].status.terminal


def _relay(state: State) -> Steps:
    if state.relay is None:
        for seen in state.stream:
            queue = state.queue | {TASKS[seen].run}
            yield f"relay sends run {TASKS[seen].run}", state._replace(queue=queue, relay=seen)
        return
    done = state._replace(stream=state.stream - {state.relay}, relay=None)
    after = write(state.task, "queued", state.relay)
    yield "relay writes QUEUED", done if after is None else done.moved(after)


def _sweeper(state: State) -> Steps:
    task = TASKS[state.task]
    if state.sweeper is None:
        if not task.status.terminal and isinstance(sweep(task, NOW, 300), Dispatch):
            after = write(state.task, "looked_at", state.task)
            assert after is not None, "the sweeper's look was refused"
            yield "sweeper looks", state._replace(task=after, sweeper=("looked", after))
        return
    phase, seen = state.sweeper
    if phase == "looked":
        sent = state._replace(queue=state.queue | {TASKS[seen].run})
        goes_on = TASKS[seen].status is TaskStatus.CREATED
        yield "sweeper sends", sent._replace(sweeper=("sent", seen) if goes_on else None)
    else:
        after = write(state.task, "queued", seen)
        done = state._replace(sweeper=None)
        yield "sweeper writes QUEUED", done if after is None else done.moved(after)


def _people(state: State) -> Steps:
    status = TASKS[state.task].status
    if state.left.cancels and not status.terminal:
        yield "cancel", _must(state, "cancelled").spend("cancels")
    if state.left.retries and status in (TaskStatus.FAILED, TaskStatus.CANCELLED):
        again = _must(state, "retried").spend("retries")
        yield "retry", again._replace(stream=again.stream | {again.task})
    if state.left.continuations and status is TaskStatus.PROCESSING:
        yield "requeue", _must(state, "requeued").spend("continuations")


def _must(state: State, name: str) -> State:
    after = write(state.task, name, state.task)
    assert after is not None, f"{name} was refused although nobody was in between"
    return state.moved(after)


def _trouble(state: State) -> Steps:
    for field in ("lease_until", "next_attempt_at"):
        after = time_passes(state.task, field)
        if after is not None:
            yield f"time passes {field}", state._replace(task=after)
    if state.left.losses:
        for run in state.queue:
            yield f"lose message of run {run}", state.spend("losses")._replace(queue=state.queue - {run})
        for seen in state.stream - {state.relay}:
            yield "lose record", state.spend("losses")._replace(stream=state.stream - {seen})
    if state.left.crashes:
        for worker in set(state.workers):
            yield f"crash worker {worker.phase}", state.spend("crashes").without(worker)
        if state.relay is not None:
            yield "crash relay", state.spend("crashes")._replace(relay=None)
        if state.sweeper:
            yield "crash sweeper", state.spend("crashes")._replace(sweeper=None)


def _receive(state: State, run: int) -> Steps:
    """A worker takes a message and reads the task; where it has nothing to write, it is done with that."""
    match _decision(TASKS[state.task], run):
        case decisions.Acknowledge():
            yield f"acknowledge run {run}", state._replace(queue=state.queue - {run})
        case decisions.Wait():
            yield "return the message", state
        case decisions.GiveUp() | decisions.UsedUp() | decisions.Claim():
            yield f"receive run {run}", state.plus(Worker("read", state.task))


def _decide(state: State, worker: Worker) -> Steps:
    task = TASKS[worker.seen]
    renewed = TASKS[state.task].status is TaskStatus.PROCESSING and TASKS[state.task].lease_until == AHEAD
    match _decision(task, task.run):
        case decisions.GiveUp() | decisions.Claim() if renewed:
            for name in ("claimed", "given_up"):
                assert write(state.task, name, worker.seen) is None, f"{name} although the lease was renewed"
            yield "is too early", state.without(worker)
        case decisions.GiveUp():
            yield from _write(state, worker, "given_up")
        case decisions.UsedUp():
            yield from _write(state, worker, "failed")
        case decisions.Claim():
            after = write(state.task, "claimed", worker.seen)
            assert after is not None, "a claim was refused although nobody was in between"
            yield from _write(state, worker, "failed")  # a deployment without its handler
            yield "claim", state.without(worker).moved(after).plus(Worker("running", after))


def _run(state: State, worker: Worker) -> Steps:
    holds = TASKS[worker.seen].version == CURRENT
    saved = write(state.task, "checkpoint", worker.seen)
    assert (saved is not None) == holds, f"a checkpoint is {'kept' if saved else 'refused'}, lease held: {holds}"
    renewed = write(state.task, "renewed", worker.seen)
    assert (renewed is not None) == holds, f"a lease is {'renewed' if renewed else 'lost'}, lease held: {holds}"
    if not holds:
        yield "lost worker stops", state.without(worker)
        return
    if renewed not in (None, state.task):
        yield "renews", state._replace(task=renewed)
    if state.left.continuations:
        for name, after in _write(state, worker, "continued"):
            yield name, after.spend("continuations")
    yield "handler ends", state.without(worker).plus(worker._replace(phase="ended"))


def _end(state: State, worker: Worker) -> Steps:
    yield from _write(state, worker, "completed")
    yield from _write(state, worker, "failed")
    if TASKS[worker.seen].attempt < TASKS[worker.seen].policy["maxAttempts"]:
        yield from _write(state, worker, "errored")


def _write(state: State, worker: Worker, name: str) -> Steps:
    """The worker's last write; where that ends the task the message goes, unless its end is lost or it had a double."""
    after = write(state.task, name, worker.seen)
    assert after is not None, f"{name} was refused although nobody was in between"
    for later in later_runs(after):  # a sign of life, or a thread of user code, may be later than the last write
        _is_refused(later, worker.seen, "checkpoint", "renewed")
    done = state.without(worker).moved(after)
    yield f"write {name}", done
    if name in ("completed", "failed", "given_up"):
        yield f"write {name} and acknowledge", done._replace(queue=done.queue - {TASKS[worker.seen].run})
