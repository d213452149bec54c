"""The facts of each status, as tables of their own: every pair of statuses is either allowed or refused."""

import pytest
from serverless_tasks.core.task.status import (
    FACTS,
    OPEN,
    OUTCOMES,
    RELAYED,
    TERMINAL,
    TaskKind,
    TaskStatus,
    can_transition,
)

TABLE = """
from \\ to    CREATED  QUEUED  STARTED  PROCESSING  ERRORED  FINISHED  COMPLETED  FAILED  CANCELLED
CREATED         -        yes     yes      yes         -        -         -          yes     yes
QUEUED          -        -       -        yes         -        -         -          yes     yes
STARTED         -        -       -        yes         -        -         -          yes     yes
PROCESSING      -        yes     -        yes         yes      yes       yes        yes     yes
ERRORED         -        -       -        yes         -        -         -          yes     yes
FINISHED        -        -       -        -           -        -         yes        yes     yes
COMPLETED       -        -       -        -           -        -         -          -       -
FAILED          yes      -       -        -           -        -         -          -       -
CANCELLED       yes      -       -        -           -        -         -          -       -
"""
HEAD, *ROWS = [line.replace("from \\ to", "").split() for line in TABLE.strip().splitlines()]
PAIRS = [(old, new, cell == "yes") for old, *cells in ROWS for new, cell in zip(HEAD, cells, strict=True)]


def test_table_speaks_of_every_pair():
    assert [status.name for status in TaskStatus] == HEAD == [row[0] for row in ROWS]


@pytest.mark.parametrize(("old", "new", "allowed"), PAIRS)
def test_pair_of_statuses_is_allowed_exactly_where_the_table_says_so(old, new, allowed):
    assert can_transition(TaskStatus(old), TaskStatus(new)) is allowed


def test_the_sets_of_statuses():
    assert {"COMPLETED", "FAILED", "CANCELLED"} == TERMINAL == {status for status in TaskStatus if status.terminal}
    assert set(TaskStatus) - TERMINAL == OPEN
    assert {"CREATED", "FAILED", "CANCELLED"} == RELAYED  # and COMPLETED, where the status topic gets it
    assert {"COMPLETED", "FAILED"} == OUTCOMES
    assert {status for status in TaskStatus if FACTS[status].alarms} == {"FAILED"}


@pytest.mark.parametrize(
    ("kind", "others"), [(TaskKind.TASK, {"STARTED", "FINISHED"}), (TaskKind.SFN_TASK, {"QUEUED", "ERRORED"})]
)
def test_a_task_never_has_a_status_of_the_other_kind(kind, others):
    assert {status for status in TaskStatus if kind not in FACTS[status].kinds} == others


def test_values_on_the_wire_are_the_names():
    assert [str(status) for status in TaskStatus] == HEAD
    assert [str(kind) for kind in TaskKind] == ["TASK", "SFN_TASK"]
