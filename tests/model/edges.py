"""The writes that the models make, each the real one, and what must be true of every one of them that succeeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import failed_attention, open_attention
from serverless_tasks.core.task.status import TaskStatus, can_transition
from serverless_tasks.core.times import from_iso
from serverless_tasks.testing.table import MemoryTable

from tests.model.snapshots import AHEAD, BEHIND, CURRENT, NOW, TASKS, written

MAX_ATTEMPTS = 3
_S = TaskStatus
_LEASE = from_iso(AHEAD)
_DAYS = 30
_table = MemoryTable()

WRITES: dict[str, Callable[[TaskEntity], Update]] = {
    "queued": lambda task: transitions.queued(task, NOW),
    "started": lambda task: transitions.started(task, NOW, f"execution-{task.run}"),
    "claimed": lambda task: transitions.claimed(task, NOW, _LEASE, _policy(task)),
    "continued": lambda task: transitions.continued(task, NOW),
    "errored": lambda task: transitions.errored(task, NOW, "{}", _LEASE, "it failed"),
    "finished": lambda task: transitions.finished(task, NOW, {}),
    "given_up": lambda task: transitions.given_up(task, NOW, "{}", "its worker died", _DAYS),
    "renewed": lambda task: transitions.renewed(task, NOW, _LEASE),
    "completed": lambda task: transitions.completed(task, NOW, {"result": "1"}, _DAYS),
    "failed": lambda task: transitions.failed(task, NOW, "{}", "it failed", _DAYS),
    "cancelled": lambda task: transitions.cancelled(task, NOW, "ann", _DAYS),
    "retried": lambda task: transitions.retried(task, NOW, "ann", 300),
    "requeued": lambda task: transitions.manual_update(task, _S.QUEUED, NOW, {}, _DAYS),
    "checkpoint": lambda task: transitions.worker_data(task, NOW, {"attributes.checkpoint": "1"}),
    "looked_at": lambda task: transitions.looked_at(task, NOW, NOW, dispatched=True),
}


def _policy(task: TaskEntity) -> dict[str, int]:
    """What the deployment says that claims the task. A later one allows more, and is not heard before a retry."""
    return {"maxAttempts": MAX_ATTEMPTS + (task.attempt > 0)}


@cache
def write(item: int, name: str, seen: int) -> int | None:
    """The number of the item after this write by a writer that saw ``seen``; None if it is refused."""
    return apply(item, WRITES[name](TASKS[seen]))


def apply(item: int, update: Update) -> int | None:
    """The number of the item after the update, checked; None if a condition does not hold."""
    before = TASKS[item]
    after = written(_table, before.to_item(), update)
    if after is None:
        return None
    _check(before, after, update.set.get("change"))
    return TASKS.number(replace(TaskEntity.from_item(after), version=CURRENT))


def _check(before: TaskEntity, item: Mapping[str, Any], change: str | None) -> None:
    after = TaskEntity.from_item(item)
    what = f"{before.status} run {before.run} attempt {before.attempt} -> {after.status} {after.run} {after.attempt}"
    if change != "status":
        assert _counted(after) >= _counted(before), f"{what}: progress falls"
        assert change == "data", f"{what}: a write that does not say what it is"
        same = ("status", "version", "run", "attempt", "history")
        assert all(getattr(before, name) == getattr(after, name) for name in same), f"{what}: data moved the task"
        assert before.status not in (_S.COMPLETED, _S.FAILED, _S.CANCELLED), f"{what}: an ended task was written to"
        return
    assert can_transition(before.status, after.status), f"{what} is not allowed"
    assert after.version == before.version + 1, f"{what}: version {before.version} -> {after.version}"
    last = after.history[-1]
    assert len(after.history) == len(before.history) + 1, f"{what}: no history"
    assert (last["status"], last["attempt"]) == (after.status, after.attempt), f"{what}: history says {last}"
    if after.status is _S.PROCESSING and before.status is _S.PROCESSING:
        assert before.lease_until == BEHIND, f"{what} while the lease runs"
    if before.status is _S.ERRORED and after.status is _S.PROCESSING:
        assert before.next_attempt_at == BEHIND, f"{what} before the backoff is over"
    if before.status.terminal:
        assert (after.status, after.run, after.attempt) == (_S.CREATED, before.run + 1, 0), f"{what} is no retry"
    else:
        assert after.run == before.run, f"{what}: another run"
        assert _counted(after) >= _counted(before), f"{what}: progress falls"
        assert before.attempt <= after.attempt <= before.attempt + 1, f"{what}: attempts"
    assert after.attempt <= MAX_ATTEMPTS, f"{what}: too many attempts"
    if not before.status.terminal and not after.status.terminal:
        assert before.policy in (None, after.policy), f"{what}: a run is decided by another policy"
    check_item(after)


@cache
def later_runs(item: int) -> tuple[int, ...]:
    """The item as it may become where it takes what is no transition: PROCESSING, in any attempt.

    Of an item that has ended, after a retry.
    """
    task = TASKS[item]
    run = task.run + task.status.terminal
    return tuple(
        TASKS.number(replace(task, status=_S.PROCESSING, run=run, attempt=attempt))
        for attempt in range(MAX_ATTEMPTS + 1)
    )


def _counted(task: TaskEntity) -> int:
    return sum(task.attributes.get(name, 0) for name in ("subTaskSucceedCount", "subTaskFailedCount"))


def check_item(task: TaskEntity) -> None:
    """What is true of every item after a transition."""
    expected = {_S.FAILED: failed_attention(task.tenant_code), _S.COMPLETED: None, _S.CANCELLED: None}
    assert task.attention == expected.get(task.status, open_attention(task.code)), f"{task.status}: {task.attention}"
    assert (task.due_at is None) == (task.attention is None), f"{task.status} with dueAt {task.due_at}"
    assert (task.expires_at is not None) == task.status.terminal, f"{task.status} expires at {task.expires_at}"
    leased = task.status is _S.PROCESSING and task.kind == "TASK"
    assert (task.lease_until is not None) == leased, f"{task.status} with lease {task.lease_until}"
    assert (task.next_attempt_at is not None) == (task.status is _S.ERRORED), f"{task.status}: next attempt"
