"""Transitions that user code asks for by name, when it drives a task itself."""

from dataclasses import replace

import pytest
from serverless_tasks.core.dynamodb.expressions import absent_or_at_most
from serverless_tasks.core.errors import TransitionRefused
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.status import TaskKind, TaskStatus

from tests.support.examples import AT, NOW, a_fan_out, a_task
from tests.support.transitions import CLOSED, DAYS, ENDED, EXPIRES, expect

S = TaskStatus
ERROR = '{"type":"ValueError","message":"no food"}'


@pytest.mark.parametrize(
    ("status", "attempt", "lease"),
    [(S.CREATED, 0, None), (S.QUEUED, 1, None), (S.ERRORED, 1, None), (S.PROCESSING, 2, None), (S.PROCESSING, 2, AT)],
)
def test_manual_processing_begins_an_attempt_as_a_claim_does(status, attempt, lease):
    task = a_task(status, attempt=attempt, lease_until=lease)
    update = transitions.manual_update(task, S.PROCESSING, NOW, {"progress": 0.5}, DAYS)
    *others, free = update.conditions
    assert free == absent_or_at_most("leaseUntil", AT)
    update = replace(update, conditions=tuple(others))
    sets = {"attempt": attempt + 1, "attemptStartedAt": AT, "leaseUntil": "2026-11-22T09:54:36.123Z"}
    sets["attributes.progress"] = 0.5
    expect(task, update, S.PROCESSING, attempt=attempt + 1, sets=sets, removes=("nextAttemptAt",))


def test_manual_processing_takes_nothing_from_a_worker():
    task = a_task(S.PROCESSING, attempt=1, lease_until="2026-11-22T09:39:36.124Z")
    with pytest.raises(TransitionRefused, match=r"^a worker holds the task until 2026-11-22T09:39:36\.124Z$"):
        transitions.manual_update(task, S.PROCESSING, NOW, {}, DAYS)


@pytest.mark.parametrize("status", [S.CREATED, S.STARTED, S.PROCESSING])
def test_a_step_functions_task_is_processing_by_its_plan_only(status):
    with pytest.raises(TransitionRefused, match=r"^a SFN_TASK becomes PROCESSING when the state machine has cut it"):
        transitions.manual_update(a_fan_out(status), S.PROCESSING, NOW, {}, DAYS)


@pytest.mark.parametrize(
    ("kind", "before", "status", "since"),
    [
        (TaskKind.TASK, S.PROCESSING, S.ERRORED, {"nextAttemptAt": AT}),
        (TaskKind.TASK, S.PROCESSING, S.QUEUED, {"dispatchedAt": AT}),
        (TaskKind.SFN_TASK, S.PROCESSING, S.FINISHED, {}),
    ],
)
def test_manual_update_to_another_open_status_takes_the_task_from_its_worker(kind, before, status, since):
    task = a_task(before, kind, attempt=1)
    update = transitions.manual_update(task, status, NOW, {"error": ERROR}, DAYS)
    expect(task, update, status, sets={"attributes.error": ERROR, **since}, removes=("leaseUntil", "attemptStartedAt"))


@pytest.mark.parametrize(
    ("kind", "status"), [("TASK", "STARTED"), ("TASK", "FINISHED"), ("SFN_TASK", "QUEUED"), ("SFN_TASK", "ERRORED")]
)
def test_manual_update_keeps_to_the_statuses_of_its_kind(kind, status):
    task = a_task(S.PROCESSING, TaskKind(kind))
    with pytest.raises(TransitionRefused, match=f"^a {kind} cannot become {status}$"):
        transitions.manual_update(task, S(status), NOW, {}, DAYS)


def test_manual_update_to_failed_stands_among_the_failed_ones():
    task = a_task(S.PROCESSING, attempt=1)
    sets = {"attributes.error": ERROR, "attention": "FAILED#mbc", "dueAt": AT, "expiresAt": EXPIRES}
    update = transitions.manual_update(task, S.FAILED, NOW, {"error": ERROR}, DAYS)
    expect(task, update, S.FAILED, worker=True, sets=sets, removes=ENDED)


@pytest.mark.parametrize(("status", "worker"), [(S.COMPLETED, True), (S.CANCELLED, False)])
def test_manual_update_to_another_end(status, worker):
    task = a_task(S.PROCESSING, attempt=1)
    update = transitions.manual_update(task, status, NOW, {"result": "1"}, DAYS)
    sets = {"attributes.result": "1", "expiresAt": EXPIRES}
    expect(task, update, status, worker=worker, sets=sets, removes=(*ENDED, *CLOSED))


def test_manual_update_follows_the_rules():
    with pytest.raises(TransitionRefused, match=r"^a task that is COMPLETED cannot become FAILED$"):
        transitions.manual_update(a_task(S.COMPLETED), S.FAILED, NOW, {}, DAYS)


@pytest.mark.parametrize("status", [S.FAILED, S.CANCELLED])
def test_manual_update_is_no_retry(status):
    with pytest.raises(TransitionRefused, match=r"^a task becomes CREATED again by a retry only$"):
        transitions.manual_update(a_task(status), S.CREATED, NOW, {}, DAYS)


def test_own_completed_leaves_no_error_of_an_earlier_attempt():
    left = {"error": ERROR, "checkpoint": "1", "checkpointRef": {"key": "k"}}
    task = a_task(S.PROCESSING, attempt=2, attributes=left)
    gone = tuple(f"attributes.{name}" for name in left)
    update = transitions.manual_update(task, S.COMPLETED, NOW, {}, DAYS)
    expect(task, update, S.COMPLETED, worker=True, sets={"expiresAt": EXPIRES}, removes=(*gone, *ENDED, *CLOSED))
    update = transitions.manual_update(task, S.COMPLETED, NOW, {"error": "{}"}, DAYS)
    assert update.set["attributes.error"] == "{}"
    assert "attributes.error" not in update.remove


def test_own_failure_keeps_the_checkpoint():
    task = a_task(S.PROCESSING, attributes={"checkpoint": "1"})
    assert transitions.manual_update(task, S.FAILED, NOW, {}, DAYS).remove == ENDED
