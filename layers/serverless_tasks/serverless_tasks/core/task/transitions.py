"""Every transition of a parent, each as one conditional update (docs/concepts.md, docs/reliability.md).

The caller hands over the task as it read it. The update expects exactly that status and version, so of two writers that
read the same task one wins and the other learns it; ``version`` grows by one. A worker's update also expects its
attempt: the attempt is the worker's right to write, the version is the state that it expects.

Progress, leases and checkpoints are no transitions: they keep the version, and expect it. One that comes late, when its
attempt has ended or goes on with another worker, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from serverless_tasks.core.dynamodb.expressions import Update, absent_or_at_most, equals
from serverless_tasks.core.errors import TransitionRefused
from serverless_tasks.core.task.entity import TaskEntity, append_history, history_entry
from serverless_tasks.core.task.keys import failed_attention, open_attention
from serverless_tasks.core.task.status import FACTS, TaskKind, TaskStatus, can_transition
from serverless_tasks.core.times import after, from_iso, to_iso

Sets = Mapping[str, Any]

UNREAD = "the bucket could not be read"
"""Why an attempt went back to the queue before any user code ran: a reason in the history."""
MANUAL_LEASE_SECONDS = 900
"""How long user code that drives a task itself has it after PROCESSING; then a worker may take it."""


def queued(task: TaskEntity, at: datetime) -> Update:
    """The relay sent the message."""
    return _transition(task, TaskStatus.QUEUED, at, sets={"dispatchedAt": to_iso(at)})


def started(task: TaskEntity, at: datetime, execution_arn: str) -> Update:
    """The relay started the execution."""
    sets = {"dispatchedAt": to_iso(at), "executionArn": execution_arn}
    return _transition(task, TaskStatus.STARTED, at, sets=sets)


def claimed(task: TaskEntity, at: datetime, lease_until: datetime, policy: Sets, lost: str | None = None) -> Update:
    """A queue worker takes the task: with the next attempt, or the same one where only an invocation ended.

    ``policy``: what this deployment decides by. The first claim of a run writes it, and all later ones keep it.
    ``lost``: why the attempt before was lost. If its worker lives after all, it may have renewed the lease meanwhile.
    """
    attempt = task.attempt if goes_on(task) else task.attempt + 1
    sets: dict[str, Any] = {"attempt": attempt, "leaseUntil": to_iso(lease_until)}
    if task.policy is None or task.attempt == 0:
        sets["policy"] = policy
    if not goes_on(task) or unread_in_a_row(task):
        sets["attemptStartedAt"] = to_iso(attempt_start(task, at))
    removes = ("nextAttemptAt",)
    taken = _transition(task, TaskStatus.PROCESSING, at, reason=lost, attempt=attempt, sets=sets, removes=removes)
    return _unless_renewed(taken, at)


def _unless_renewed(update: Update, at: datetime) -> Update:
    """The same, if the lease ends then at the latest."""
    return replace(update, conditions=(*update.conditions, absent_or_at_most("leaseUntil", to_iso(at))))


def attempt_start(task: TaskEntity, at: datetime) -> datetime:
    """When the attempt began that a claim at ``at`` begins or goes on with.

    It is later by the time that an attempt has waited for a bucket that could not be read: from that claim to this one.
    """
    if not goes_on(task) or task.attempt_started_at is None:
        return at
    started = from_iso(task.attempt_started_at)
    if not unread_in_a_row(task):
        return started
    claimed_at = next(entry["at"] for entry in reversed(task.history) if entry["status"] == TaskStatus.PROCESSING)
    return started + (at - from_iso(claimed_at))


def goes_on(task: TaskEntity) -> bool:
    """Whether the next claim goes on with the attempt that another invocation began.

    Not where a manual update took the task from its worker: that one must not write by the number of the next.
    """
    return task.status is TaskStatus.QUEUED and task.attempt_started_at is not None


def unread_in_a_row(task: TaskEntity) -> int:
    """How often the attempt has just gone back to the queue since the bucket could not be read."""
    ends = [entry.get("reason") for entry in reversed(task.history) if entry["status"] != TaskStatus.PROCESSING]
    return next((count for count, reason in enumerate(ends) if reason != UNREAD), len(ends))


def continued(task: TaskEntity, at: datetime, reason: str = "goes on from its checkpoint") -> Update:
    """The invocation's time is up, or gave the attempt nothing to begin with; it goes on in another one."""
    sets = {"dispatchedAt": to_iso(at)}
    return _transition(task, TaskStatus.QUEUED, at, worker=True, reason=reason, sets=sets, removes=("leaseUntil",))


def errored(task: TaskEntity, at: datetime, error_text: str, next_attempt_at: datetime, reason: str) -> Update:
    """The attempt failed and another one is due."""
    sets = {"attributes.error": error_text, "nextAttemptAt": to_iso(next_attempt_at)}
    removes = ("leaseUntil",)
    return _transition(task, TaskStatus.ERRORED, at, worker=True, reason=reason, sets=sets, removes=removes)


def planned(
    task: TaskEntity,
    at: datetime,
    execution_arn: str | None,
    counts: Sets,
    done_chunks: frozenset[int],
    header: Sets | None = None,
    *,
    policy: Sets,
    cut: Sets | None = None,
) -> Update:
    """The chunks of a Step Functions task are there and begin to run.

    ``execution_arn``: of the execution whose plan this is. ``header``: that of an input in CSV, as its reference keeps
    it: for a worker that reads only a part of it. ``policy``: what this deployment decides by, for this run. ``cut``:
    what a chunk has at most, for this run and all later ones.
    """
    other = execution_arn and execution_arn != task.execution_arn  # of several lanes, this is the one that goes on
    sets = _attributes(counts) | ({"executionArn": execution_arn} if other else {})
    sets["policy"] = policy
    if cut is not None and task.cut is None:
        sets["cut"] = cut
    sets |= {f"inputRef.{name}": value for name, value in (header or {}).items()}
    removes: tuple[str, ...] = ()
    if done_chunks:
        sets["doneChunks"] = done_chunks
    elif task.done_chunks:
        removes = ("doneChunks",)
    return _transition(task, TaskStatus.PROCESSING, at, sets=sets, removes=removes)


def finished(task: TaskEntity, at: datetime, counts: Sets) -> Update:
    """Every sub-task has ended; the counters are what the chunks say."""
    return _transition(task, TaskStatus.FINISHED, at, sets=_attributes(counts))


def completed(task: TaskEntity, at: datetime, result: Sets, retention_days: int) -> Update:
    """Done, with ``{"result": text}`` or ``{"resultRef": ref}``."""
    progress = {"progress": 1} if task.kind is TaskKind.TASK else {}
    sets = _attributes({**result, **progress})
    return _ended(task, TaskStatus.COMPLETED, at, retention_days, sets=sets, removes=_outlived(task))


def failed(
    task: TaskEntity, at: datetime, error_text: str, reason: str, retention_days: int, counts: Sets | None = None
) -> Update:
    """Ended without success. It stands in the index of its tenant's failed tasks from now on.

    ``counts``: counters of a Step Functions task, where its chunks say others.
    """
    sets = {"attributes.error": error_text, **_listed_as_failed(task, at), **_attributes(counts or {})}
    return _ended(task, TaskStatus.FAILED, at, retention_days, sets=sets, reason=reason)


def given_up(task: TaskEntity, at: datetime, error_text: str, reason: str, retention_days: int) -> Update:
    """:func:`failed`, as its last worker is dead: unless that one lives after all, and has renewed its lease."""
    return _unless_renewed(failed(task, at, error_text, reason, retention_days), at)


def cancelled(task: TaskEntity, at: datetime, by: str | None, retention_days: int, ip: str | None = None) -> Update:
    """Stopped by its owner."""
    return _ended(task, TaskStatus.CANCELLED, at, retention_days, sets=_from(ip), by=by)


def retried(task: TaskEntity, at: datetime, by: str | None, first_look_seconds: int, ip: str | None = None) -> Update:
    """A new run, from the start: attempt 0, and what the last run left is gone."""
    sets: dict[str, Any] = {
        "run": task.run + 1,
        "attempt": 0,
        "attention": open_attention(task.code),
        "dueAt": to_iso(after(at, first_look_seconds)),
        **_from(ip),
    }
    # Counters begin anew, and the plan counts what earlier runs completed: progress never falls within a run.
    counters = ("subTaskSucceedCount", "subTaskFailedCount")
    sets |= _attributes({name: 0 for name in counters if name in task.attributes})
    gone = ("error", "result", "resultRef", "progress", "checkpoint", "checkpointRef")
    removes = tuple(f"attributes.{name}" for name in gone if name in task.attributes)
    removes += (
        "expiresAt",
        "leaseUntil",
        "nextAttemptAt",
        "attemptStartedAt",
        "dispatchedAt",
        "executionArn",
        "policy",
    )
    return _transition(task, TaskStatus.CREATED, at, by=by, attempt=0, sets=sets, removes=removes)


def manual_update(task: TaskEntity, to: TaskStatus, at: datetime, attributes: Sets, retention_days: int) -> Update:
    """A transition that user code asks for by name, with what it sets in ``attributes``."""
    if task.kind not in FACTS[to].kinds:
        raise TransitionRefused(f"a {task.kind} cannot become {to}")
    sets, removes = _attributes(attributes), tuple[str, ...]()
    match to:
        case TaskStatus.CREATED:
            raise TransitionRefused("a task becomes CREATED again by a retry only")
        case TaskStatus.PROCESSING:
            return manual_attempt(task, at, sets)
        case TaskStatus.QUEUED | TaskStatus.STARTED | TaskStatus.ERRORED | TaskStatus.FINISHED:
            # Without its time of begin the attempt is over: the next claim has another number, and a lease of its own.
            # From its time on the sweeper waits for a message, and then sends one: no message may be under way.
            since = {TaskStatus.QUEUED: "dispatchedAt", TaskStatus.ERRORED: "nextAttemptAt"}
            sets |= {since[to]: to_iso(at)} if to in since else {}
            return _transition(task, to, at, sets=sets, removes=("leaseUntil", "attemptStartedAt"))
        case TaskStatus.COMPLETED:
            removes = tuple(path for path in _outlived(task) if path not in sets)
        case TaskStatus.FAILED:
            sets |= _listed_as_failed(task, at)
        case TaskStatus.CANCELLED:
            pass
        case _:
            assert_never(to)
    return _ended(task, to, at, retention_days, sets=sets, removes=removes)


def manual_attempt(task: TaskEntity, at: datetime, sets: Sets) -> Update:
    """User code takes a single task for :data:`MANUAL_LEASE_SECONDS`, as a claim gives it to a worker: never from one.

    A Step Functions task is PROCESSING from its plan on, which alone knows the chunks; there is nothing to take.
    """
    if task.kind is TaskKind.SFN_TASK:
        raise TransitionRefused("a SFN_TASK becomes PROCESSING when the state machine has cut it into chunks")
    if task.lease_until and task.lease_until > to_iso(at):
        raise TransitionRefused(f"a worker holds the task until {task.lease_until}")
    attempt = task.attempt + 1
    lease = {"leaseUntil": to_iso(after(at, MANUAL_LEASE_SECONDS)), "attemptStartedAt": to_iso(at), "attempt": attempt}
    sets = {**sets, **lease}
    taken = _transition(task, TaskStatus.PROCESSING, at, attempt=attempt, sets=sets, removes=("nextAttemptAt",))
    return _unless_renewed(taken, at)


def worker_data(task: TaskEntity, at: datetime, sets: Sets, removes: tuple[str, ...] = ()) -> Update:
    """Progress, a lease or a checkpoint of the worker that holds the task since it claimed it."""
    sets = {**sets, "change": "data", "updatedAt": to_iso(at)}
    return Update(task.pk, task.sk, set=sets, remove=removes, conditions=(equals("version", task.version),))


def renewed(task: TaskEntity, at: datetime, lease_until: datetime) -> Update:
    """A sign of life of that worker. It shortens no lease that a checkpoint has given meanwhile."""
    return _unless_renewed(worker_data(task, at, {"leaseUntil": to_iso(lease_until)}), lease_until)


def looked_at(task: TaskEntity, at: datetime, due_at: datetime, dispatched: bool) -> Update:
    """The sweeper's look, before it acts: of two sweepers one gets it."""
    sets = {"dueAt": to_iso(due_at), "change": "data", "updatedAt": to_iso(at)}
    if dispatched:
        sets["dispatchedAt"] = to_iso(at)
    expected = (equals("status", task.status), equals("version", task.version), equals("dueAt", task.due_at))
    return Update(task.pk, task.sk, set=sets, conditions=expected)


def kept(task: TaskEntity, at: datetime) -> Update:
    """The sweeper, after its look, has renewed the task's objects."""
    sets = {"keptAt": to_iso(at), "change": "data", "updatedAt": to_iso(at)}
    return Update(task.pk, task.sk, set=sets, conditions=(equals("dueAt", task.due_at),))


def _ended(
    task: TaskEntity,
    to: TaskStatus,
    at: datetime,
    retention_days: int,
    *,
    sets: Sets | None = None,
    removes: tuple[str, ...] = (),
    by: str | None = None,
    reason: str | None = None,
) -> Update:
    sets = {**(sets or {}), "expiresAt": int(at.timestamp()) + retention_days * 86400}
    removes = (
        *removes,
        "leaseUntil",
        "nextAttemptAt",
        "policy",
        *(() if "attention" in sets else ("attention", "dueAt")),
    )
    return _transition(task, to, at, by=by, reason=reason, sets=sets, removes=removes, worker=FACTS[to].outcome)


def _transition(
    task: TaskEntity,
    to: TaskStatus,
    at: datetime,
    *,
    by: str | None = None,
    reason: str | None = None,
    attempt: int | None = None,
    worker: bool = False,
    sets: Sets | None = None,
    removes: tuple[str, ...] = (),
) -> Update:
    """Raises :class:`TransitionRefused` when the status does not allow it."""
    if not can_transition(task.status, to):
        raise TransitionRefused(f"a task that is {task.status} cannot become {to}")
    entry = history_entry(to, to_iso(at), task.attempt if attempt is None else attempt, by, reason)
    standard: dict[str, Any] = {
        "status": to,
        "version": task.version + 1,
        "history": append_history(task.history, entry),
        "change": "status",
        "updatedAt": to_iso(at),
    }
    if by:
        standard["updatedBy"] = by
    expected = (equals("status", task.status), equals("version", task.version))
    return Update(
        task.pk,
        task.sk,
        set={**standard, **(sets or {})},
        remove=removes,
        conditions=(*expected, equals("attempt", task.attempt)) if worker else expected,
    )


def _listed_as_failed(task: TaskEntity, at: datetime) -> dict[str, Any]:
    return {"attention": failed_attention(task.tenant_code), "dueAt": to_iso(at)}


def _outlived(task: TaskEntity) -> tuple[str, ...]:
    """What a task that is COMPLETED has no use for."""
    names = ("error", "checkpoint", "checkpointRef")
    return tuple(f"attributes.{name}" for name in names if name in task.attributes)


def _attributes(values: Sets) -> dict[str, Any]:
    return {f"attributes.{name}": value for name, value in values.items()}


def _from(ip: str | None) -> dict[str, Any]:
    return {"updatedIp": ip} if ip else {}
