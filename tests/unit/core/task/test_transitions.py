"""Every transition: what it sets, removes and expects, and which it refuses."""

from datetime import timedelta

import pytest
from serverless_tasks.core.dynamodb.expressions import Update, absent_or_at_most, equals
from serverless_tasks.core.errors import TransitionRefused
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.times import to_iso

from tests.support.examples import AT, CREATED_ENTRY, NOW, a_fan_out, a_task
from tests.support.transitions import CLOSED, DAYS, ENDED, EXPIRES, expect

S = TaskStatus
LATER = NOW + timedelta(minutes=15)
REFERENCE = {"key": "k", "bytes": 5000, "etag": '"e"'}
ERROR = '{"type":"ValueError","message":"no food"}'
COUNTS = {"subTaskCount": 3, "subTaskSucceedCount": 1, "subTaskFailedCount": 1}
SINGLE = {"maxAttempts": 3}
LIST = {"maxAttempts": 3, "fanIn": True}
SET_COUNTS = {f"attributes.{name}": count for name, count in COUNTS.items()}

BUILDERS = {
    "queued": lambda task: transitions.queued(task, NOW),
    "started": lambda task: transitions.started(task, NOW, "arn"),
    "claimed": lambda task: transitions.claimed(task, NOW, LATER, SINGLE),
    "continued": lambda task: transitions.continued(task, NOW),
    "errored": lambda task: transitions.errored(task, NOW, ERROR, LATER, "no food"),
    "planned": lambda task: transitions.planned(task, NOW, "arn", COUNTS, frozenset(), policy=LIST),
    "finished": lambda task: transitions.finished(task, NOW, COUNTS),
    "completed": lambda task: transitions.completed(task, NOW, {"result": "1"}, DAYS),
    "failed": lambda task: transitions.failed(task, NOW, ERROR, "no food", DAYS),
    "cancelled": lambda task: transitions.cancelled(task, NOW, "ann", DAYS),
    "retried": lambda task: transitions.retried(task, NOW, "ann", 300),
}
ALLOWED_FROM = {
    "queued": {S.CREATED, S.PROCESSING},
    "started": {S.CREATED},
    "claimed": {S.CREATED, S.QUEUED, S.STARTED, S.PROCESSING, S.ERRORED},
    "continued": {S.CREATED, S.PROCESSING},
    "errored": {S.PROCESSING},
    "planned": {S.CREATED, S.QUEUED, S.STARTED, S.PROCESSING, S.ERRORED},
    "finished": {S.PROCESSING},
    "completed": {S.PROCESSING, S.FINISHED},
    "failed": {S.CREATED, S.QUEUED, S.STARTED, S.PROCESSING, S.ERRORED, S.FINISHED},
    "cancelled": {S.CREATED, S.QUEUED, S.STARTED, S.PROCESSING, S.ERRORED, S.FINISHED},
    "retried": {S.FAILED, S.CANCELLED},
}


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("status", TaskStatus)
def test_transition_is_refused_exactly_where_the_status_does_not_allow_it(name, status):
    task = a_task(status)
    if status in ALLOWED_FROM[name]:
        assert equals("status", status) in BUILDERS[name](task).conditions
        return
    with pytest.raises(TransitionRefused, match=f"^a task that is {status} cannot become [A-Z]+$"):
        BUILDERS[name](task)


@pytest.mark.parametrize("name", BUILDERS)
def test_full_history_keeps_the_first_and_the_newest(name):
    status = next(iter(ALLOWED_FROM[name]))
    history = (CREATED_ENTRY, *({"status": "QUEUED", "at": str(n), "attempt": 1} for n in range(49)))
    written = BUILDERS[name](a_task(status, history=history)).set["history"]
    assert len(written) == 50
    assert written[:-1] == [CREATED_ENTRY, *history[2:]]
    assert written[-1]["at"] == AT


def test_queued():
    task = a_task()
    expect(task, transitions.queued(task, NOW), S.QUEUED, sets={"dispatchedAt": AT})


def test_started():
    task = a_fan_out()
    expect(task, transitions.started(task, NOW, "arn"), S.STARTED, sets={"dispatchedAt": AT, "executionArn": "arn"})


@pytest.mark.parametrize(
    ("status", "attempt", "claimed_attempt"),
    [(S.CREATED, 0, 1), (S.QUEUED, 0, 1), (S.ERRORED, 1, 2), (S.PROCESSING, 1, 2), (S.PROCESSING, 2, 3)],
)
def test_claim_begins_the_next_attempt(status, attempt, claimed_attempt):
    task = a_task(status, attempt=attempt)
    sets = {"attempt": claimed_attempt, "leaseUntil": to_iso(LATER), "attemptStartedAt": AT, "policy": SINGLE}
    update, removes = transitions.claimed(task, NOW, LATER, SINGLE, "worker died"), ("nextAttemptAt",)
    entry = {"attempt": claimed_attempt, "reason": "worker died"}
    expect(task, update, S.PROCESSING, sets=sets, removes=removes, unless_held=True, **entry)


def test_claim_goes_on_with_the_attempt_whose_invocation_ended():
    task = a_task(S.QUEUED, attempt=1, attempt_started_at=AT, policy=SINGLE)
    sets = {"attempt": 1, "leaseUntil": to_iso(LATER)}
    update, removes = transitions.claimed(task, NOW, LATER, SINGLE), ("nextAttemptAt",)
    expect(task, update, S.PROCESSING, sets=sets, removes=removes, unless_held=True)


def test_continued():
    task = a_task(S.PROCESSING, attempt=2)
    update, reason = transitions.continued(task, NOW), "goes on from its checkpoint"
    sets = {"dispatchedAt": AT}
    expect(task, update, S.QUEUED, worker=True, sets=sets, removes=("leaseUntil",), reason=reason)


def test_errored():
    task = a_task(S.PROCESSING, attempt=2)
    update = transitions.errored(task, NOW, ERROR, LATER, "no food")
    sets = {"attributes.error": ERROR, "nextAttemptAt": to_iso(LATER)}
    expect(task, update, S.ERRORED, worker=True, sets=sets, removes=("leaseUntil",), reason="no food")


@pytest.mark.parametrize(
    ("known", "given", "sets"),
    [
        (None, "arn", {"executionArn": "arn"}),
        ("arn", "arn", {}),
        ("another lane's", "arn", {"executionArn": "arn"}),
        (None, None, {}),
    ],
)
def test_planned_says_which_execution_it_is(known, given, sets):
    task = a_fan_out(S.STARTED, execution_arn=known)
    update = transitions.planned(task, NOW, given, COUNTS, frozenset(), policy=LIST)
    expect(task, update, S.PROCESSING, sets={**SET_COUNTS, **sets, "policy": LIST})


@pytest.mark.parametrize(
    ("before", "done", "sets", "removes"),
    [
        (frozenset(), frozenset(), {}, ()),
        (frozenset({1}), frozenset(), {}, ("doneChunks",)),
        (frozenset({1}), frozenset({2}), {"doneChunks": frozenset({2})}, ()),
        (frozenset(), frozenset({2}), {"doneChunks": frozenset({2})}, ()),
    ],
)
def test_planned_resets_counters_and_done_chunks(before, done, sets, removes):
    task = a_fan_out(S.CREATED, run=1, execution_arn="arn", done_chunks=before)
    update = transitions.planned(task, NOW, "arn", COUNTS, done, policy=LIST)
    expect(task, update, S.PROCESSING, sets={**SET_COUNTS, **sets, "policy": LIST}, removes=removes)


def test_finished():
    task = a_fan_out(S.PROCESSING)
    expect(task, transitions.finished(task, NOW, COUNTS), S.FINISHED, sets=SET_COUNTS)


@pytest.mark.parametrize("result", [{"result": "null"}, {"resultRef": REFERENCE}])
def test_completed_task(result):
    gone = {"error": ERROR, "checkpoint": "1", "checkpointRef": REFERENCE}
    task = a_task(S.PROCESSING, attempt=2, attributes={**gone, "progress": 0.5})
    [(name, value)] = result.items()
    expect(
        task,
        transitions.completed(task, NOW, result, DAYS),
        S.COMPLETED,
        worker=True,
        sets={f"attributes.{name}": value, "attributes.progress": 1, "expiresAt": EXPIRES},
        removes=(*(f"attributes.{name}" for name in gone), *ENDED, *CLOSED),
    )


@pytest.mark.parametrize(("result", "sets"), [({}, {}), ({"result": "1"}, {"attributes.result": "1"})])
def test_completed_fan_out_has_its_progress_from_its_counters(result, sets):
    task = a_fan_out(S.FINISHED, attributes=COUNTS)
    update = transitions.completed(task, NOW, result, DAYS)
    expect(task, update, S.COMPLETED, worker=True, sets={**sets, "expiresAt": EXPIRES}, removes=(*ENDED, *CLOSED))


@pytest.mark.parametrize("kind", TaskKind)
def test_failed_task_stands_among_its_tenants_failed_ones(kind):
    task = a_task(S.PROCESSING, kind, attempt=3, attributes={"checkpoint": "1"})
    sets = {"attributes.error": ERROR, "attention": "FAILED#mbc", "dueAt": AT, "expiresAt": EXPIRES}
    update = transitions.failed(task, NOW, ERROR, "no food", DAYS)
    expect(task, update, S.FAILED, worker=True, sets=sets, removes=ENDED, reason="no food")


def test_cancelled_names_its_user_and_no_attempt():
    task = a_task(S.PROCESSING, attempt=2)
    update = transitions.cancelled(task, NOW, "ann", DAYS)
    expect(task, update, S.CANCELLED, sets={"expiresAt": EXPIRES}, removes=(*ENDED, *CLOSED), by="ann")


@pytest.mark.parametrize(
    "build",
    [
        lambda **ip: transitions.cancelled(a_task(), NOW, "ann", DAYS, **ip),
        lambda **ip: transitions.retried(a_task(S.FAILED), NOW, "ann", 300, **ip),
    ],
)
def test_address_of_the_caller_is_kept_where_it_is_known(build):
    assert build(ip="10.0.0.1").set == {**build().set, "updatedIp": "10.0.0.1"}
    assert "updatedIp" not in build(ip=None).set


@pytest.mark.parametrize("by", [None, ""])
def test_cancelled_by_no_user_leaves_the_last_writer(by):
    task = a_task()
    update = transitions.cancelled(task, NOW, by, DAYS)
    expect(task, update, S.CANCELLED, sets={"expiresAt": EXPIRES}, removes=(*ENDED, *CLOSED))


@pytest.mark.parametrize("status", [S.FAILED, S.CANCELLED])
def test_retried_begins_a_new_run_without_what_the_last_one_left(status):
    left = dict.fromkeys(("error", "result", "resultRef", "progress", "checkpoint", "checkpointRef"), "x")
    task = a_task(status, run=2, attempt=3, attributes={**left, **COUNTS})
    sets = {"run": 3, "attempt": 0, "attention": "OPEN#6", "dueAt": "2026-11-22T09:44:36.123Z"}
    sets |= {"attributes.subTaskSucceedCount": 0, "attributes.subTaskFailedCount": 0}
    removes = ("expiresAt", *ENDED, "attemptStartedAt", "dispatchedAt", "executionArn")
    update = transitions.retried(task, NOW, "ann", 300)
    gone = tuple(f"attributes.{name}" for name in left)
    expect(task, update, S.CREATED, attempt=0, sets=sets, removes=(*gone, *removes), by="ann")


def test_retried_touches_only_the_attributes_that_are_there():
    update = transitions.retried(a_task(S.FAILED), NOW, None, 300)
    assert not [path for path in (*update.set, *update.remove) if "." in path]


def test_worker_data_is_no_transition():
    task = a_task(S.PROCESSING, run=1, attempt=2)
    sets = {"attributes.progress": 0.5, "attributes.checkpoint": "1"}
    assert transitions.worker_data(task, NOW, sets, ("attributes.checkpointRef",)) == Update(
        task.pk,
        task.sk,
        set={**sets, "change": "data", "updatedAt": AT},
        remove=("attributes.checkpointRef",),
        conditions=(equals("version", 4),),
    )


def test_a_renewed_lease_is_never_a_shorter_one():
    task = a_task(S.PROCESSING)
    assert transitions.renewed(task, NOW, LATER) == Update(
        task.pk,
        task.sk,
        set={"leaseUntil": to_iso(LATER), "change": "data", "updatedAt": AT},
        conditions=(equals("version", 4), absent_or_at_most("leaseUntil", to_iso(LATER))),
    )


@pytest.mark.parametrize(("dispatched", "sets"), [(True, {"dispatchedAt": AT}), (False, {})])
def test_look_of_the_sweeper_is_no_transition_and_of_two_sweepers_one_gets_it(dispatched, sets):
    task = a_task(S.QUEUED)
    assert transitions.looked_at(task, NOW, LATER, dispatched) == Update(
        task.pk,
        task.sk,
        set={"dueAt": to_iso(LATER), "change": "data", "updatedAt": AT, **sets},
        conditions=(equals("status", "QUEUED"), equals("version", 4), equals("dueAt", task.due_at)),
    )


def test_the_objects_of_a_task_were_kept_by_the_sweeper_that_looked():
    task = a_task(S.QUEUED)
    sets = {"keptAt": AT, "change": "data", "updatedAt": AT}
    assert transitions.kept(task, NOW) == Update(task.pk, task.sk, set=sets, conditions=(equals("dueAt", task.due_at),))
