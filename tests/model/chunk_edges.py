"""The writes to chunks that the fan-out model makes, each the real one, checked; chunks are small numbers here too."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import cache

from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.fan_out import chunks, outcomes
from serverless_tasks.core.fan_out.chunks import Chunk, Range
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import from_iso
from serverless_tasks.testing.table import MemoryTable

from tests.model.snapshots import AHEAD, BEHIND, CURRENT, NOW, PAST, TASKS, Book, written

RANGES = (Range(0, 0, 1), Range(1, 1, 1))
SUB_TASKS = sum(place.count for place in RANGES)
HOLDER = "a child"
"""Names are not compared: a lost claim that takes any lease may do more than one that takes its own holder's."""
_LATER = from_iso(AHEAD)
_table = MemoryTable()
_LETTERS = {TaskStatus.COMPLETED: "C", TaskStatus.FAILED: "F", TaskStatus.CREATED: "W"}
_COMPLETED = '"status":"COMPLETED"'


def _canonical(chunk: Chunk) -> Chunk:
    times = {name: AHEAD if getattr(chunk, name) else None for name in ("lease_until", "due_at")}
    times["started_at"] = None  # nothing depends on it
    said = letters(chunk, chunk.run)
    lines = "".join(
        f"{outcomes.NOTHING if letter == '-' else line}\n" for letter, line in zip(said, lines_of(chunk), strict=True)
    )
    return replace(chunk, **times, holder=None, claims=0, finished_at=chunk.finished_at and BEHIND, outcomes=lines)


def _key(chunk: Chunk) -> Hashable:
    times = (chunk.lease_until, chunk.due_at, chunk.finished_at)
    return (chunk.number, chunk.run, chunk.attempt, times, chunk.outcomes, chunk.succeeded, chunk.failed)


CHUNKS: Book[Chunk] = Book(_canonical, _key)


def lines_of(chunk: Chunk) -> list[str]:
    """The chunk's lines of outcomes."""
    return (chunk.outcomes or f"{outcomes.NOTHING}\n" * chunk.range.count).split("\n")[:-1]


def letters(chunk: Chunk, run: int) -> str:
    """How its sub-tasks stand in a run: C completed, F failed, W waits, - nothing yet."""
    entries = [outcomes.parse_line(line, run) for line in lines_of(chunk)]
    return "".join(_LETTERS[entry.status] if entry else "-" for entry in entries)


@cache
def created(task: int, number: int) -> int:
    """The chunk as plan puts it."""
    put = chunks.create(TASKS[task], RANGES[number], 1)
    return CHUNKS.number(replace(Chunk.from_item(put.item), attempt=CURRENT))


@cache
def claim(chunk: int, run: int) -> int | None:
    """A worker of this run claims it; None if the claim is refused."""
    before = CHUNKS[chunk]
    after = _apply(chunk, chunks.claim(_parent(run), before.number, NOW, _LATER, HOLDER), grows=True)
    assert after is None or not before.lease_until, f"chunk {before.number} is claimed while its lease runs"
    return after


@cache
def claim_lost(chunk: int, run: int) -> int | None:
    """A worker of this run takes it from the holder whose worker is believed dead; None if nobody holds it."""
    before = CHUNKS[chunk]
    after = _apply(chunk, chunks.claim_lost(_parent(run), before.number, NOW, _LATER, HOLDER), grows=True)
    assert after is None or before.lease_until, f"chunk {before.number} is taken from a holder that there is not"
    return after


@cache
def free(chunk: int, run: int) -> int | None:
    """The state machine believes its worker dead, and lets it be due; None if nobody holds it."""
    before = CHUNKS[chunk]
    after = _apply(chunk, chunks.free(_parent(run).key, run, before.number, HOLDER))
    assert after is None or before.lease_until, f"chunk {before.number} is taken from a holder that there is not"
    return after


@cache
def take_over(chunk: int, seen: int, run: int) -> int | None:
    """A worker of this run takes over what it saw an earlier run had left."""
    return _apply(chunk, chunks.take_over(CHUNKS[seen], run, NOW, _LATER, HOLDER), grows=True)


@cache
def flush(chunk: int, held: int, run: int, offset: int, letter: str) -> int | None:
    """The holder runs one sub-task and writes its outcome."""
    seen = CHUNKS[held]
    lines = lines_of(seen)
    head = (seen.range.first + offset, 1, BEHIND, BEHIND)
    lines[offset] = {
        "C": lambda: outcomes.completed_line(*head, "1"),
        "F": lambda: outcomes.failed_line(*head, {}, run),
        "W": lambda: outcomes.waiting_line(*head, {}, run, BEHIND),
    }[letter]()
    return _apply(chunk, chunks.flush(seen, *_written(lines, run)))


@cache
def release(chunk: int, held: int, run: int) -> int | None:
    """The holder's last write: done, or due later when something waits."""
    seen = CHUNKS[held]
    due = AHEAD if "W" in letters(seen, run) and "-" not in letters(seen, run) else None
    return _apply(chunk, chunks.release(seen, *_written(lines_of(seen), run), NOW, due))


@cache
def give_back(chunk: int, held: int) -> int | None:
    """The holder cannot go on, and lives to say so."""
    return _apply(chunk, chunks.give_back(CHUNKS[held], NOW, 60, begun=True))


@cache
def outdated(chunk: int) -> int:
    """What is remembered of a chunk after another worker claimed it."""
    return CHUNKS.number(replace(CHUNKS[chunk], attempt=PAST))


@cache
def time_passes(chunk: int, field: str) -> int | None:
    """The chunk after its lease or its wait is over, or None when it has none that runs.

    One that is over is as none, which is checked here, so that the states need not tell them apart.
    """
    found = CHUNKS[chunk]
    if not getattr(found, field):
        return None
    over, without = replace(found, **{field: BEHIND}), replace(found, **{field: None})
    assert over.due_in(found.run, NOW) == without.due_in(found.run, NOW), f"{field} is over, and the chunk not due"
    assert _is_free(over) == _is_free(without), f"{field} is over, and the claim knows a difference"
    return CHUNKS.number(without)


def _is_free(chunk: Chunk) -> bool:
    return written(_table, _item(chunk), chunks.claim(_parent(chunk.run), chunk.number, NOW, _LATER)) is not None


def _written(lines: list[str], run: int) -> tuple[dict[str, str], tuple[int, int]]:
    completed, failed, _ = outcomes.tally(lines, run)
    return {"outcomes": "".join(f"{line}\n" for line in lines)}, (completed, failed)


def _parent(run: int) -> TaskEntity:
    return replace(TASKS[0], run=run)


def _apply(chunk: int, update: Update, *, grows: bool = False) -> int | None:
    before = CHUNKS[chunk]
    item = written(_table, _item(before), update)
    if item is None:
        return None
    after = Chunk.from_item(item)
    what = f"chunk {before.number} {letters(before, before.run)} -> {letters(after, after.run)}"
    assert after.attempt == before.attempt + grows, f"{what}: attempt {before.attempt} -> {after.attempt}"
    assert after.run == before.run or (grows and after.run == before.run + 1), f"{what}: run {after.run}"
    pairs = zip(lines_of(before), lines_of(after), strict=True)
    assert all(old == new for old, new in pairs if _COMPLETED in old), f"{what}: a result was lost"
    assert before.finished_at is None or after.run > before.run, f"{what}: written to after its end"
    found = letters(after, after.run)
    assert (after.succeeded, after.failed) == (found.count("C"), found.count("F")), f"{what}: wrong counts"
    done = after.succeeded + after.failed == after.range.count
    assert (after.finished_at is None) or done, f"{what}: ended too early"
    return CHUNKS.number(replace(after, attempt=CURRENT))


def _item(chunk: Chunk) -> dict[str, object]:
    place = chunk.range
    item = {
        "pk": chunk.pk,
        "sk": chunk.sk,
        "kind": chunks.KIND,
        "change": "data",
        "number": place.number,
        "first": place.first,
        "count": place.count,
        "run": chunk.run,
        "attempt": chunk.attempt,
        "claims": chunk.claims,
        "leaseUntil": chunk.lease_until,
        "holder": HOLDER if chunk.lease_until else None,
        "dueAt": chunk.due_at,
        "finishedAt": chunk.finished_at,
        "outcomes": chunk.outcomes,
        "succeeded": chunk.succeeded,
        "failed": chunk.failed,
    }
    return {name: value for name, value in item.items() if value is not None}
