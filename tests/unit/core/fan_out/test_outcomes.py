"""Lines of outcomes: what is written comes back, and counts in the run it belongs to."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.fan_out.outcomes import (
    NOTHING,
    Entry,
    Outcome,
    completed_line,
    failed_line,
    outcomes_of,
    parse_line,
    referenced_line,
    tally,
    waiting_line,
)
from serverless_tasks.core.inputs.json_text import result_text
from serverless_tasks.core.task.status import TaskStatus

from tests.support.examples import AT

FINISHED_AT = "2026-11-22T09:39:37.623Z"
DUE_AT = "2026-11-22T09:39:38.123Z"
ERROR = {"type": "ValueError", "message": "no food"}
REFERENCE = {"key": "payloads/mbc/1/results/7.json", "bytes": 300_000, "etag": '"e"'}

COMPLETED = completed_line(7, 2, AT, FINISHED_AT, '{"fed":true}')
REFERENCED = referenced_line(7, 2, AT, FINISHED_AT, REFERENCE)
FAILED = failed_line(7, 3, AT, FINISHED_AT, ERROR, 1)
WAITING = waiting_line(7, 1, AT, FINISHED_AT, ERROR, 1, DUE_AT)
TIMES = {"startedAt": AT, "finishedAt": FINISHED_AT}


def unexpected(_reference):
    raise AssertionError("nothing is loaded here")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (COMPLETED, {"status": "COMPLETED", "attempt": 2, "result": {"fed": True}}),
        (REFERENCED, {"status": "COMPLETED", "attempt": 2, "resultRef": REFERENCE}),
        (FAILED, {"status": "FAILED", "attempt": 3, "error": ERROR, "run": 1}),
        (WAITING, {"status": "CREATED", "attempt": 1, "error": ERROR, "run": 1, "dueAt": DUE_AT}),
    ],
)
def test_line_is_an_object_that_says_everything_of_its_sub_task(line, said):
    assert json.loads(line) == {"index": 7, **said, **TIMES}
    assert list(json.loads(line))[:5] == ["index", "status", "attempt", "startedAt", "finishedAt"]


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (COMPLETED, Entry(TaskStatus.COMPLETED, 2, AT, FINISHED_AT, {"result": {"fed": True}})),
        (REFERENCED, Entry(TaskStatus.COMPLETED, 2, AT, FINISHED_AT, {"resultRef": REFERENCE})),
        (FAILED, Entry(TaskStatus.FAILED, 3, AT, FINISHED_AT, {"error": ERROR})),
        (WAITING, Entry(TaskStatus.CREATED, 1, AT, FINISHED_AT, {"error": ERROR}, DUE_AT)),
        (NOTHING, None),
    ],
)
def test_line_comes_back_as_its_entry_in_its_run(line, entry):
    assert parse_line(line, 1) == entry


@pytest.mark.parametrize("run", [0, 2])
@pytest.mark.parametrize(("line", "kept"), [(COMPLETED, True), (REFERENCED, True), (FAILED, False), (WAITING, False)])
def test_in_another_run_only_what_completed_counts(line, kept, run):
    assert (parse_line(line, run) is not None) is kept


@pytest.mark.parametrize(
    ("line", "status", "ended"),
    [
        (COMPLETED, TaskStatus.COMPLETED, True),
        (REFERENCED, TaskStatus.COMPLETED, True),
        (FAILED, TaskStatus.FAILED, True),
        (WAITING, TaskStatus.CREATED, False),
    ],
)
def test_entry_says_what_the_sub_task_is(line, status, ended):
    entry = parse_line(line, 1)
    assert (entry.status, entry.ended) == (status, ended)


def test_result_of_a_hundred_levels_can_be_read_again():
    value = []
    for _ in range(99):
        value = [value]
    assert parse_line(completed_line(0, 1, AT, AT, result_text(value)), 0).attributes == {"result": value}


def test_broken_line_is_refused_naming_it():
    with pytest.raises(InvalidInput, match=r"^outcome: "):
        parse_line('{"index":0,', 0)


@given(st.text(st.characters()) | st.sampled_from(["\ud800", "\u2028", "\x85", "a\r\nb"]))
def test_every_text_makes_one_line_of_utf8(text):
    error = {"type": "E", "message": text}
    lines = [
        completed_line(0, 1, AT, AT, result_text(text)),
        failed_line(0, 1, AT, AT, error, 0),
        waiting_line(0, 1, AT, AT, error, 0, DUE_AT),
    ]
    assert all(b"\n" not in line.encode() and b"\r" not in line.encode() for line in lines)
    assert [parse_line(line, 0).attributes for line in lines] == [{"result": text}, {"error": error}, {"error": error}]


def waits_until(second, run=0):
    return waiting_line(0, 1, AT, AT, ERROR, run, due(second))


def due(second):
    return f"2026-11-22T09:40:{second:02}.000Z"


def fails_in(run):
    return failed_line(0, 3, AT, AT, ERROR, run)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], (0, 0, None)),
        ([NOTHING], (0, 0, None)),
        ([COMPLETED, REFERENCED, fails_in(0)], (2, 1, None)),
        ([waits_until(9), COMPLETED], (1, 0, due(9))),
        ([waits_until(9), waits_until(5), waits_until(17)], (0, 0, due(5))),
        ([waits_until(9), NOTHING], (0, 0, None)),
        ([waits_until(9), fails_in(1)], (0, 0, None)),
        ([fails_in(1), COMPLETED], (1, 0, None)),
        ([waits_until(9, run=1), COMPLETED], (1, 0, None)),
        ([fails_in(0), waits_until(9)], (0, 1, due(9))),
    ],
)
def test_tally_counts_and_says_when_the_next_one_is_due(lines, expected):
    assert tally(lines, 0) == expected


def outcome(line, run=1, load=unexpected):
    return Outcome.of(7, parse_line(line, run), load, TaskStatus.CANCELLED)


def test_completed_outcome_has_its_result():
    found = outcome(COMPLETED)
    assert (found.index, found.status, found.attempt, found.error) == (7, TaskStatus.COMPLETED, 2, None)
    assert (found.started_at, found.finished_at) == (AT, FINISHED_AT)
    assert found.result == {"fed": True}


def test_large_result_is_loaded_when_asked_for():
    asked = []

    def load(reference):
        asked.append(reference)
        return "large"

    found = outcome(REFERENCED, load=load)
    assert (found.status, asked) == (TaskStatus.COMPLETED, [])
    assert (found.result, found.result) == ("large", "large")
    assert asked == [REFERENCE, REFERENCE]


def test_failed_outcome_has_its_error_and_no_result():
    found = outcome(FAILED)
    assert (found.status, found.attempt, found.error, found.result) == (TaskStatus.FAILED, 3, ERROR, None)
    assert (found.started_at, found.finished_at) == (AT, FINISHED_AT)


@pytest.mark.parametrize("line", [NOTHING, WAITING, failed_line(7, 3, AT, AT, ERROR, 0)])
def test_sub_task_without_an_end_in_this_run_is_what_the_caller_says(line):
    found = outcome(line)
    assert found == Outcome(7, TaskStatus.CANCELLED, 0, None, None, None, {}, unexpected)
    assert found.result is None


def test_outcomes_of_a_chunk_come_in_order_and_lazily():
    lines = iter([COMPLETED, NOTHING, FAILED, "broken"])
    found = outcomes_of(40, lines, 1, unexpected)
    first, second, third = next(found), next(found), next(found)
    assert [(o.index, o.status) for o in (first, second, third)] == [
        (40, TaskStatus.COMPLETED),
        (41, TaskStatus.FAILED),
        (42, TaskStatus.FAILED),
    ]
    assert second.error is None
    assert list(lines) == ["broken"]
    assert [o.index for o in outcomes_of(0, [COMPLETED, NOTHING], 1, unexpected)] == [0, 1]
