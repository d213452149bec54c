"""One chunk's run, from the claim to the count, in the order of its life.

    claim ─┬─ sub-tasks ──┬── flush now and then ──┬──> release, done      count it on the parent
           │              └────────────────────────┴──> release, due later a later round
           └─ input or outcomes unread, AWS fails ────> give back          a later round

A worker that dies leaves a lease. The state machine learns of the death and calls another worker, which takes the lease
over; where it cannot know, a later round claims the chunk when the lease is over. Either isolates the sub-tasks: they
run one at a time, and the index about to run is written first, so that a crash is charged to that one alone.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from serverless_tasks.adapters.clock import chance, utc_now
from serverless_tasks.adapters.cloud import UNREAD, Cloud
from serverless_tasks.adapters.log import key_keys, logger, task_keys
from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.errors import LostRace, PayloadMissing, WorkerLost
from serverless_tasks.core.fan_out import chunks, outcomes
from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.core.inputs.json_text import size
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types.failures import unread_wait
from serverless_tasks.core.task_types.task_type import Policy, policy_of
from serverless_tasks.core.times import Clock, after, from_iso
from serverless_tasks.core.usage.amounts import CHILD_TRANSITIONS, Usage
from serverless_tasks.store.chunks import NotClaimed, claim_chunk, count_chunk, load_lines, store_lines
from serverless_tasks.store.inputs import elements
from serverless_tasks.workers.chunk.sub_task import HeldChunk, Invocation, Line, SubTask
from serverless_tasks.workers.user_code.routing import HandlerRouter
from serverless_tasks.workers.user_code.runner import LEASE_MARGIN, Watch

MAX_SILENT_DEATHS = 5
"""Claims in a row whose workers died without a sign of which sub-task killed them."""
IDLE_SECONDS = 30.0
"""A worker without a sub-task to run waits at most this long; those due later are left to a later round."""
FLUSH_SECONDS = 5.0
"""Outcomes are written while the chunk runs when this much has passed since the last time …"""
FLUSH_SHARE = 0.1
"""… and this share of the time so far: so a long chunk is written ever more seldom, in total about a hundred times."""
EACH_BYTES = 1_048_576
"""An isolating worker writes after each sub-task while results take no more; above, now and then like any other."""
AT_ONCE = ""
"""When a sub-task without an outcome is due: text, as are the times of those that wait, and before all of them."""


class Unread(Exception):
    """The bucket could not be read, and no user code has run: the claim was for nothing."""


class ChunkWorker:
    """Runs chunks of sub-tasks."""

    def __init__(
        self,
        cloud: Cloud,
        router: HandlerRouter,
        clock: Clock = utc_now,
        rand: Callable[[], float] = chance,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cloud = cloud
        self._router = router
        self._clock = clock
        self._random = rand
        self._sleep = sleep

    def handle(self, call: Mapping[str, Any], remaining: Callable[[], float]) -> None:
        """Work on the chunk of a call ``{"pk", "sk", "run", "chunk", "holder"?, "lost"?, "free"?, "transitions"?}``.

        Called twice or late, it does nothing twice. ``holder`` names the child of the map that calls; ``lost``: the
        last worker that it called is dead; ``free``: give the chunk back, and run nothing. ``transitions``: billed for
        the call. Executions that began with an older definition send none of them.
        """
        key, run = TaskKey(call["pk"], call["sk"]), call["run"]
        self._cloud.meter.note(Usage(state_transitions=call.get("transitions", CHILD_TRANSITIONS)), key.code)
        if call.get("free"):
            return self._free(key, call)
        if (task := self._parent(key, run)) is None:
            return logger.info("the task has ended or is in another run", extra={**key_keys(key), "run": run})
        if self._router.lacks_sub_task_handler(task):
            # Not a failure of its sub-tasks, of which some may be tolerated: the next plan ends the task.
            return logger.error("this deployment has no handler", extra={**task_keys(task), "chunk": call["chunk"]})
        if (chunk := self._claim(task, call, remaining())) is None:
            return None
        if chunk.claims > 1:
            logger.warning("a worker of this chunk died", extra=_chunk_keys(task, chunk))
        watch = Watch(lambda: self._parent(key, run) is not None, self._clock, looked_at=self._clock())
        invocation = Invocation(self._cloud, self._router, self._clock, self._random, self._sleep, remaining, watch)
        try:
            with logger.append_context_keys(**_chunk_keys(task, chunk)):  # on the handlers' own lines, too
                chunk = run_chunk(invocation, task, chunk)
        except LostRace:
            return logger.warning("lost the lease of a chunk, its outcomes are dropped", extra=_chunk_keys(task, chunk))
        except Unread:
            last = invocation.written or chunk
            return self._give_back(task, last, unread_wait(last.unread), begun=False)
        except Exception:  # of AWS: the first of these in a row costs no time, a bad hour is waited for
            last = invocation.written or chunk
            wait = unread_wait(last.unread - 1) if last.unread else 0
            self._give_back(task, last, wait, begun=invocation.written is not None)
            raise
        logger.info("chunk released", extra=_chunk_keys(task, chunk))
        if chunk.done_in(run):
            count_chunk(self._cloud.table, task, chunk, self._clock())
        return None

    def _parent(self, key: TaskKey, run: int) -> TaskEntity | None:
        task = self._cloud.table.get(key)
        wanted = task is not None and task.status is TaskStatus.PROCESSING and task.run == run
        return task if wanted else None

    def _claim(self, task: TaskEntity, call: Mapping[str, Any], remaining: float) -> Chunk | None:
        now = self._clock()
        until, holder, lost = after(now, remaining + LEASE_MARGIN), call.get("holder"), call.get("lost", False)
        try:
            return claim_chunk(self._cloud.table, task, call["chunk"], now, until, holder, lost=lost)
        except NotClaimed as refused:
            seen = refused.seen
        if seen.done_in(task.run):
            # Its worker may have died before it counted the chunk; counting is idempotent.
            count_chunk(self._cloud.table, task, seen, self._clock())
        else:
            logger.info("the chunk is held by another worker", extra=_chunk_keys(task, seen))
        return None

    def _free(self, key: TaskKey, call: Mapping[str, Any]) -> None:
        """A later round takes the chunk at once. This one has no time for it, or no room in its history."""
        extra = {**key_keys(key), "run": call["run"], "chunk": call["chunk"]}
        try:
            self._cloud.table.update(chunks.free(key, call["run"], call["chunk"], call["holder"]))
        except LostRace:
            logger.info("the dead worker held no lease", extra=extra)
        else:
            logger.warning("a dead worker's chunk is free", extra=extra)

    def _give_back(self, task: TaskEntity, chunk: Chunk, wait: float, *, begun: bool) -> None:
        """So it need not wait for the end of a lease, and is not run as if a worker had died."""
        keys = _chunk_keys(task, chunk)
        logger.exception("the worker cannot go on, the chunk is given back", extra=keys)
        try:
            self._cloud.table.update(chunks.give_back(chunk, self._clock(), wait, begun=begun))
        except LostRace:
            logger.warning("lost the lease of a chunk", extra=keys)
        except Exception:
            logger.exception("the chunk is not given back, its lease has to run out", extra=keys)


def run_chunk(invocation: Invocation, task: TaskEntity, chunk: Chunk) -> Chunk:
    """Run due sub-tasks, retry those that become due in time, write the outcomes; returns the released chunk.

    Raises :class:`LostRace` when the chunk was taken over, and :class:`Unread` when nothing could be begun.
    """
    held = HeldChunk(task, chunk, policy_of(task.type), Policy.of(task).max_attempts)
    lines = Lines(invocation, held)
    if chunk.claims > 1:
        _charge_the_dead(invocation, held, lines)
    isolating = chunk.claims > 1 or lines.killed_a_worker()
    if pending := list(lines.open()):
        held = replace(held, elements=_elements(invocation, held))
    agenda = Agenda(invocation, held, lines, pending)
    if held.policy.concurrency == 1 or isolating:
        _run_in_turn(agenda, lines, isolating)
    else:
        # Here and not above, as with all that needs asyncio: it is slow to import, and most chunks do without.
        from serverless_tasks.workers.chunk.crew import Crew

        Crew(invocation, held.policy.concurrency, agenda, lines).run()
    return lines.release()


def _charge_the_dead(invocation: Invocation, held: HeldChunk, lines: Lines) -> None:
    """Charge the sub-task that was in flight when a worker died, or all when it is never known which."""
    chunk, open_offsets = held.chunk, {offset for _, offset in lines.open()}
    if chunk.in_flight is not None:
        charged = {chunk.in_flight - chunk.range.first} & open_offsets
    else:
        charged = open_offsets if chunk.claims > MAX_SILENT_DEATHS else set()
    for offset in sorted(charged):
        sub_task = SubTask(invocation, held, offset, lines.attempts(offset) + 1, first=True)
        lines.keep(offset, sub_task.lost(permanent=chunk.in_flight is None))
        index = chunk.range.first + offset
        logger.warning(
            "a sub-task is charged for a worker's death", extra={**_chunk_keys(held.task, chunk), "index": index}
        )
    if charged:
        lines.flush()


def _elements(invocation: Invocation, held: HeldChunk) -> Sequence[Any] | PayloadMissing:
    """Load the chunk's part of the input before any sub-task begins: later, it would take one's time and its attempt.

    Raises :class:`Unread` when the bucket does not give it this time.
    """
    try:
        return elements(invocation.cloud.payloads, held.task, held.chunk.range)
    except PayloadMissing as error:
        return error
    except UNREAD as error:
        raise Unread from error


def _run_in_turn(agenda: Agenda, lines: Lines, isolating: bool) -> None:
    """One at a time; an isolating worker whatever the type's concurrency, so that a crash is charged to one alone."""
    while agenda.wait():
        offset = agenda.take()
        if isolating:
            lines.mark_in_flight(offset)
        sub_task = agenda.begin(offset)
        if (line := sub_task.run()) is None:
            return
        agenda.end(sub_task, line)
        if lines.flush_is_due(isolating=isolating) and not lines.flush():
            return


class Agenda:
    """The sub-tasks that are left to run, by when they are due and then in input order. Failed ones come back to it."""

    def __init__(self, invocation: Invocation, held: HeldChunk, lines: Lines, pending: list[tuple[str, int]]) -> None:
        self._invocation = invocation
        self._held = held
        self._lines = lines
        self._pending = pending
        heapq.heapify(pending)
        self._ended = 0
        self._longest = 0.0

    def due_in(self) -> float | None:
        """Seconds until the next one is due, negative when it was due before; None when nothing is left to start."""
        if not self._pending:
            return None
        due_at = self._pending[0][0]
        return 0.0 if due_at == AT_ONCE else (from_iso(due_at) - self._invocation.clock()).total_seconds()

    def wait(self) -> bool:
        """Sleep until the next one is due, if that is soon; returns whether there is one, and time for it."""
        wait = self.due_in()
        if wait is None or wait > self.longest_wait():
            return False
        if wait > 0:
            self._invocation.sleep(wait)
        return self.has_time()

    def longest_wait(self) -> float:
        """Seconds that the worker waits at most without a sub-task to run."""
        return min(IDLE_SECONDS, self._invocation.left())

    def has_time(self) -> bool:
        """Whether another one may begin: the task wants it still, and the longest one so far would be done in time."""
        if self._invocation.watch.is_gone():
            return False
        return self._ended == 0 or self._invocation.left() > self._longest

    def take(self) -> int:
        """The offset in the chunk of the next one, which is no longer pending then."""
        return heapq.heappop(self._pending)[1]

    def begin(self, offset: int) -> SubTask:
        """Begin its next attempt."""
        return SubTask(self._invocation, self._held, offset, self._lines.attempts(offset) + 1, first=self._ended == 0)

    def end(self, sub_task: SubTask, line: Line) -> None:
        """Keep how the attempt ended."""
        self._lines.keep(sub_task.offset, line)
        if line.due_at is not None:
            heapq.heappush(self._pending, (line.due_at, sub_task.offset))
        self._ended += 1
        self._longest = max(self._longest, (self._invocation.clock() - sub_task.started).total_seconds())


class Lines:
    """A line of outcome for each sub-task, read at the start, written now and then and at the end.

    Its constructor raises :class:`Unread` when the bucket does not give them, its writes :class:`LostRace` after a
    take-over.
    """

    def __init__(self, invocation: Invocation, held: HeldChunk) -> None:
        self._invocation = invocation
        self._task = held.task
        self._chunk = held.chunk
        self._lines = self._load()
        invocation.line_bytes = sum(map(size, self._lines))
        self._started_at = self._flushed_at = invocation.clock()
        self._writes = 0

    def _load(self) -> list[str]:
        try:
            return list(load_lines(self._invocation.cloud.payloads, self._chunk))
        except PayloadMissing:  # lost ones are run again, as after a crash
            logger.exception("outcomes are lost", extra={**task_keys(self._task), "chunk": self._chunk.number})
            return [outcomes.NOTHING] * self._chunk.range.count
        except UNREAD as error:
            raise Unread from error

    def open(self) -> Iterator[tuple[str, int]]:
        """The sub-tasks that are left to run: when each is due (or :data:`AT_ONCE`), and its offset in the chunk."""
        for offset, entry in outcomes.open_entries(self._lines, self._task.run):
            yield (entry and entry.due_at) or AT_ONCE, offset

    def killed_a_worker(self) -> bool:
        """Whether one that is left to run has been charged with a worker's death, in this claim or an earlier one."""
        entries = outcomes.open_entries(self._lines, self._task.run)
        return any(entry.attributes["error"]["type"] == WorkerLost.__name__ for _, entry in entries if entry)

    def attempts(self, offset: int) -> int:
        """Attempts so far, in this run."""
        entry = outcomes.parse_line(self._lines[offset], self._task.run)
        return entry.attempt if entry else 0

    def keep(self, offset: int, line: Line) -> None:
        """Remember an outcome, to be written later."""
        self._lines[offset] = line.text

    def mark_in_flight(self, offset: int) -> None:
        """Persist the index before it runs, to blame it after a crash."""
        self._write(chunks.mark_in_flight(self._chunk, self._chunk.range.first + offset))

    def flush_is_due(self, *, isolating: bool = False) -> bool:
        """Whether it is time to write. An isolating worker writes at once while that is cheap: the rest runs again."""
        if isolating and self._invocation.line_bytes <= EACH_BYTES:
            return True
        now = self._invocation.clock()
        so_far, since = now - self._started_at, now - self._flushed_at
        return since.total_seconds() >= max(FLUSH_SECONDS, FLUSH_SHARE * so_far.total_seconds())

    def flush(self) -> bool:
        """Write the outcomes so far; returns whether the task still wants more of them."""
        completed, failed, _ = outcomes.tally(self._lines, self._task.run)
        self._write(chunks.flush(self._chunk, self._stored(), (completed, failed)))
        self._flushed_at = self._invocation.clock()
        return not self._invocation.watch.is_gone()

    def release(self) -> Chunk:
        """Write the outcomes and give the chunk back; returns it as it is then."""
        completed, failed, due_at = outcomes.tally(self._lines, self._task.run)
        now = self._invocation.clock()
        return self._write(chunks.release(self._chunk, self._stored(), (completed, failed), now, due_at))

    def _write(self, update: Update) -> Chunk:
        self._invocation.written = written = Chunk.from_item(self._invocation.cloud.table.update(update))
        return written

    def _stored(self) -> dict[str, Any]:
        self._writes += 1
        return store_lines(self._invocation.cloud.payloads, self._task, self._chunk, self._lines, self._writes)


def _chunk_keys(task: TaskEntity, chunk: Chunk) -> dict[str, Any]:
    return {
        **task_keys(task),
        "attempt": chunk.attempt,
        "chunk": chunk.number,
        "succeeded": chunk.succeeded,
        "failed": chunk.failed,
    }
