"""The transitions of design, section 5, as a table of its own: every pair is either allowed or refused."""

import pytest
from serverless_tasks.core.task.status import ALLOWED, OPEN, TERMINAL, TaskKind, TaskStatus, can_transition

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
    names = [status.name for status in TaskStatus]
    assert len(PAIRS) == 81
    assert names == HEAD == [row[0] for row in ROWS]
    assert set(ALLOWED) == set(TaskStatus)


@pytest.mark.parametrize(("old", "new", "allowed"), PAIRS)
def test_pair_of_statuses_is_allowed_exactly_where_the_design_says_so(old, new, allowed):
    assert can_transition(TaskStatus(old), TaskStatus(new)) is allowed


@pytest.mark.parametrize("status", TaskStatus)
def test_ended_are_completed_failed_and_cancelled(status):
    ended = status in ("COMPLETED", "FAILED", "CANCELLED")
    assert status.terminal is ended
    assert (status in TERMINAL) is ended
    assert (status in OPEN) is not ended


def test_values_on_the_wire_are_the_names():
    assert [str(status) for status in TaskStatus] == HEAD
    assert [str(kind) for kind in TaskKind] == ["TASK", "SFN_TASK"]
