"""Chunks: contiguous ranges of sub-tasks, the unit of scheduling, storage and crash recovery (docs/concepts.md).

A chunk is an item of its own. Its writes name run and attempt: a worker whose lease was taken over changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import Item
from serverless_tasks.core.dynamodb.expressions import Clause, Put, Update, absent, absent_or_at_most, equals, lacks
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey, chunk_sk, chunks_pk
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import after, from_iso, from_milliseconds, to_iso, to_milliseconds
from serverless_tasks.core.usage.amounts import NOTHING, Usage

KIND = "CHUNK"
MAX_CHUNKS = 1000
"""Chunks of one task at most: their numbers, and what their children return, pass through states of 256 KiB."""
CHUNK_BYTES = 67_108_864
"""Bytes of the input that a chunk has at most, where it can be cut: workers, and calls that list sub-tasks, hold all
those of a chunk in memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a chunk has. Of an input in the bucket it has at least the elements between two marks."""

    count: int
    """Sub-tasks."""
    bytes: int = CHUNK_BYTES
    """Of the input's object."""

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Limits:
        """The limits that the first chunk has."""
        return cls(item["maxCount"], item["maxBytes"])

    def to_item(self) -> dict[str, int]:
        """What a task, and its first chunk, say of them."""
        return {"maxCount": self.count, "maxBytes": self.bytes}


@dataclass(frozen=True, slots=True)
class Range:
    """Which elements a chunk has, ``count`` from ``first`` on, and which bytes of the input's object hold them."""

    number: int
    first: int
    count: int
    byte_start: int | None = None
    byte_end: int | None = None
    """Exclusive."""

    @property
    def bytes(self) -> int:
        """Of the input's object; 0 where the input is in the item, or not cut yet."""
        return (self.byte_end or 0) - (self.byte_start or 0)

    def has(self, index: int) -> bool:
        """Whether the element is in it."""
        return self.first <= index < self.first + self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A chunk item."""

    pk: str
    sk: str
    range: Range
    run: int = 0
    attempt: int = 0
    """Claims so far."""
    claims: int = 0
    """Claims since a worker last wrote: above 1, a worker died here."""
    unread: int = 0
    """Claims in a row that were given back: the bucket could not be read, or the worker failed."""
    lease_until: str | None = None
    holder: str | None = None
    """Child of the map that has the lease, by the time of its round; run and number say the rest. None: no child's."""
    due_at: str | None = None
    """When the first of its waiting sub-tasks is due."""
    started_at: str | None = None
    """When a worker first claimed it in its run."""
    finished_at: str | None = None
    in_flight: int | None = None
    """Index that an isolating worker was about to run."""
    outcomes: str | None = None
    """Lines of outcomes, up to 4 KB."""
    outcomes_ref: Mapping[str, Any] | None = None
    """The object with the lines, above that."""
    succeeded: int = 0
    failed: int = 0
    usage: Usage = NOTHING
    """What it has used of AWS since it was last counted on its task."""
    expires_at: int | None = None
    """Seconds since 1970 after which DynamoDB may delete it; each round moves it on (:mod:`lifetimes`)."""
    limits: Limits | None = None
    """By which the list was cut. Only the first chunk has them, for a plan that has to cut the list again."""

    @property
    def number(self) -> int:
        """Position in the list of chunks, from 0."""
        return self.range.number

    def done_in(self, run: int) -> bool:
        """Whether nothing of it is left to run in ``run``; a failure counts in its own run only."""
        if self.run == run:
            return self.finished_at is not None
        return self.run < run and self.succeeded == self.range.count

    def due_in(self, run: int, now: datetime) -> float:
        """Seconds until a worker may take it in ``run``; 0 is now."""
        if self.run < run:
            return 0.0
        waits = [moment for moment in (self.lease_until, self.due_at) if moment]
        return max([0.0, *((from_iso(moment) - now).total_seconds() for moment in waits)])

    def is_held(self, run: int, now: datetime) -> bool:
        """Whether a worker of ``run`` may be at work on it."""
        return self.run == run and self.lease_until is not None and from_iso(self.lease_until) > now

    @classmethod
    def from_item(cls, item: Item) -> Chunk:
        """The chunk of a table item."""
        found = Range(item["number"], item["first"], item["count"], item.get("byteStart"), item.get("byteEnd"))
        return cls(
            pk=item["pk"],
            sk=item["sk"],
            range=found,
            run=item["run"],
            attempt=item["attempt"],
            claims=item.get("claims", 0),
            unread=item.get("unread", 0),
            lease_until=item.get("leaseUntil"),
            holder=item.get("holder"),
            due_at=item.get("dueAt"),
            started_at=to_iso(from_milliseconds(item["startedAt"])) if "startedAt" in item else None,
            finished_at=item.get("finishedAt"),
            in_flight=item.get("inFlight"),
            outcomes=item.get("outcomes"),
            outcomes_ref=item.get("outcomesRef"),
            succeeded=item["succeeded"],
            failed=item["failed"],
            usage=Usage.from_item(item),
            expires_at=item.get("expiresAt"),
            limits=Limits.from_item(item) if "maxCount" in item else None,
        )


def create(task: TaskEntity, cut: Range, expires_at: int, limits: Limits | None = None) -> Put:
    """The chunk as the first plan writes it, once. ``limits``: what the first chunk says for those after it."""
    item = {
        "pk": chunks_pk(task.tenant_code, task.code),
        "sk": chunk_sk(cut.number),
        "kind": KIND,
        "number": cut.number,
        "first": cut.first,
        "count": cut.count,
        "byteStart": cut.byte_start,
        "byteEnd": cut.byte_end,
        **(limits.to_item() if limits else {}),
        "run": 0,
        "attempt": 0,
        "succeeded": 0,
        "failed": 0,
        "expiresAt": expires_at,
    }
    return Put({name: value for name, value in item.items() if value is not None})


def keep(chunk: Chunk, expires_at: int) -> Update:
    """Let the chunk live longer, if it still does; no worker's write is in the way, and none is held up."""
    conditions = (equals("expiresAt", chunk.expires_at),)
    return Update(chunk.pk, chunk.sk, set={"expiresAt": expires_at}, conditions=conditions)


def claim(task: TaskEntity, number: int, now: datetime, lease_until: datetime, holder: str | None = None) -> Update:
    """Take a chunk of the current run that no worker holds and that has sub-tasks left."""
    return _claimed(task, number, now, lease_until, holder, absent_or_at_most("leaseUntil", to_iso(now)))


def claim_lost(task: TaskEntity, number: int, now: datetime, lease_until: datetime, holder: str) -> Update:
    """Take a chunk from the worker that this holder's last call has left dead, and from no other.

    If that worker lives after all, it has lost its attempt by this, and can change nothing.
    """
    return _claimed(task, number, now, lease_until, holder, equals("holder", holder))


def _claimed(
    task: TaskEntity, number: int, now: datetime, lease_until: datetime, holder: str | None, free: Clause
) -> Update:
    names, removes = _lease(lease_until, holder)
    return Update(
        chunks_pk(task.tenant_code, task.code),
        chunk_sk(number),
        set=names,
        set_once={"startedAt": to_milliseconds(now)},
        count={"attempt": 1, "claims": 1},
        remove=("dueAt", *removes),
        conditions=(
            equals("run", task.run),  # which a chunk that is not there has not
            absent("finishedAt"),
            free,
        ),
    )


def free(key: TaskKey, run: int, number: int, holder: str) -> Update:
    """Let a chunk be due at once whose worker this holder's call has left dead.

    The next claim finds that a worker has died. If it lives after all, it goes on until that claim.
    """
    conditions = (equals("run", run), equals("holder", holder))
    pk = chunks_pk(key.tenant_code, key.code)
    return Update(pk, chunk_sk(number), remove=("leaseUntil", "holder"), conditions=conditions)


def take_over(chunk: Chunk, run: int, now: datetime, lease_until: datetime, holder: str | None = None) -> Update:
    """Take a chunk that an earlier run left, as that run left it.

    Not if its worker of that run, alive after all, has completed more since: a chunk that is done by that is counted by
    then, and must not be begun again. The usage of an ended chunk is on its task already.
    """
    sets = {"run": run, "attempt": chunk.attempt + 1, "claims": 1, "failed": 0, "startedAt": to_milliseconds(now)}
    names, removes = _lease(lease_until, holder)
    counted = chunk.usage.to_item() if chunk.finished_at else ()
    return Update(
        chunk.pk,
        chunk.sk,
        set={**sets, **names, **dict.fromkeys(counted, 0)},
        remove=("dueAt", "finishedAt", "inFlight", "unread", *removes),
        conditions=(*_held(chunk), equals("succeeded", chunk.succeeded)),
    )


def flush(chunk: Chunk, outcomes: Mapping[str, Any], counts: tuple[int, int]) -> Update:
    """Outcomes so far, while the worker goes on. ``outcomes`` is ``{"outcomes": text}`` or ``{"outcomesRef": ref}``.

    What was in flight is among them: a worker that dies after this write died of something else.
    """
    sets = {**outcomes, "succeeded": counts[0], "failed": counts[1], "claims": 1}
    removes = (*_other(outcomes), "inFlight", "unread")
    return Update(chunk.pk, chunk.sk, set=sets, remove=removes, conditions=_held(chunk))


def mark_in_flight(chunk: Chunk, index: int) -> Update:
    """Persist the index that an isolating worker is about to run, to charge a crash to that sub-task alone."""
    return Update(chunk.pk, chunk.sk, set={"inFlight": index}, conditions=_held(chunk))


def release(
    chunk: Chunk, outcomes: Mapping[str, Any], counts: tuple[int, int], now: datetime, due_at: str | None
) -> Update:
    """The worker's last write: the chunk is done, or due again later."""
    sets: dict[str, Any] = {**outcomes, "succeeded": counts[0], "failed": counts[1], "claims": 0}
    removes = (*_other(outcomes), "leaseUntil", "holder", "inFlight", "unread")
    if sum(counts) == chunk.range.count:
        sets["finishedAt"] = to_iso(now)
    elif due_at:
        sets["dueAt"] = due_at
    return Update(chunk.pk, chunk.sk, set=sets, remove=removes, conditions=_held(chunk))


def give_back(chunk: Chunk, now: datetime, wait: float, *, begun: bool) -> Update:
    """The worker cannot go on, and lives to say so: no sub-task is to blame. The chunk is due in ``wait`` seconds.

    ``chunk`` is what it wrote last. ``begun``: whether it has written; else what is in flight is a dead worker's, and
    yet to be charged.
    """
    sets = {"claims": chunk.claims - 1, "unread": chunk.unread + 1, "dueAt": to_iso(after(now, wait))}
    removes = ("leaseUntil", "holder", *(("inFlight",) if begun else ()))
    return Update(chunk.pk, chunk.sk, set=sets, remove=removes, conditions=_held(chunk))


def progress(task: TaskEntity, chunk: Chunk, now: datetime) -> Update:
    """Count a finished chunk on the parent, and what it has used, once however often it is said."""
    return Update(
        task.pk,
        task.sk,
        set={"change": "data", "updatedAt": to_iso(now)},
        increment={
            "attributes.subTaskSucceedCount": chunk.succeeded,
            "attributes.subTaskFailedCount": chunk.failed,
        },
        count=chunk.usage.to_item(),
        add_to_set={"doneChunks": frozenset({chunk.number})},
        conditions=(
            equals("status", TaskStatus.PROCESSING),
            equals("run", task.run),
            lacks("doneChunks", chunk.number),
        ),
    )


def recount(chunks: Iterable[Chunk], run: int) -> tuple[dict[str, int], frozenset[int]]:
    """Counters of a parent from its chunks, and the numbers of the chunks that are in them."""
    done = [chunk for chunk in chunks if chunk.done_in(run)]
    counts = {
        "subTaskSucceedCount": sum(chunk.succeeded for chunk in done),
        "subTaskFailedCount": sum(chunk.failed for chunk in done),
    }
    return counts, frozenset(chunk.number for chunk in done)


def tally(task: TaskEntity, found: Iterable[Chunk]) -> dict[str, int]:
    """Counters of a parent that ends before all of its chunks: of every sub-task that has an outcome in its run.

    They are never less than before, for a chunk that was counted may have expired.
    """
    succeeded = failed = 0
    for chunk in found:
        succeeded += chunk.succeeded
        failed += chunk.failed if chunk.run == task.run else 0
    counts = {"subTaskSucceedCount": succeeded, "subTaskFailedCount": failed}
    return {name: max(count, task.attributes.get(name, 0)) for name, count in counts.items()}


def are_all(found: Sequence[Chunk], count: int) -> bool:
    """Whether each of the ``count`` elements is in one of the chunks, which are in order, and in no other one."""
    first = 0
    for number, chunk in enumerate(found):
        if (chunk.number, chunk.range.first) != (number, first):
            return False
        first += chunk.range.count
    return first == count


def _lease(until: datetime, holder: str | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a lease sets, and removes: the name of another holder, where this one has none."""
    ends = {"leaseUntil": to_iso(until)}
    return ({**ends, "holder": holder}, ()) if holder else (ends, ("holder",))


def _held(chunk: Chunk) -> tuple[Clause, ...]:
    return (equals("run", chunk.run), equals("attempt", chunk.attempt))


def _other(outcomes: Mapping[str, Any]) -> tuple[str, ...]:
    return ("outcomesRef",) if "outcomes" in outcomes else ("outcomes",)
