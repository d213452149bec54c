"""500 schedules of the real handlers in a world that does its worst (see ``schedules``)."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from serverless_tasks.core.dynamodb.expressions import Update
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.testing import table

from tests.model.rivals import Rivals
from tests.model.schedules import Schedules

SCHEDULES = 500
SETTINGS: dict[str, Any] = {
    "stateful_step_count": 30,
    "derandomize": True,  # the same schedules each time; `make soak` tries others
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


def test_whatever_happens_every_task_ends_as_it_should() -> None:
    run_state_machine_as_test(Schedules, settings=settings(max_examples=SCHEDULES, **SETTINGS))


FEW = settings(max_examples=1200, phases=[Phase.generate], **SETTINGS)


@pytest.mark.parametrize("forgotten", [("status", "version"), ("doneChunks",)])
def test_a_table_that_forgets_a_condition_is_found_out(monkeypatch: pytest.MonkeyPatch, forgotten: Any) -> None:
    holds = table._holds
    monkeypatch.setattr(table, "_holds", lambda clause, item: clause.path in forgotten or holds(clause, item))

    with pytest.raises(Exception):  # noqa: B017, PT011  # an invariant that does not hold, or an item that is none
        run_state_machine_as_test(Schedules, settings=FEW)
    assert logging.root.manager.disable == logging.NOTSET  # a schedule that fails leaves other tests their log


SHORT = settings(FEW, stateful_step_count=4)


def test_workers_of_one_chunk_take_nothing_from_each_other() -> None:
    run_state_machine_as_test(Rivals, settings=settings(SHORT, max_examples=100))


@pytest.mark.parametrize(
    ("builder", "path", "found"),
    [
        ("claim", "leaseUntil", "is claimed while its lease runs"),
        ("claim_lost", "holder", "is claimed while its lease runs"),
        ("flush", "attempt", "lost a result"),
        ("release", "attempt", "lost a result"),
        ("take_over", "succeeded", "was done and is begun again"),
    ],
)
def test_a_write_without_its_condition_is_found_out(
    monkeypatch: pytest.MonkeyPatch, builder: str, path: str, found: str
) -> None:
    build = getattr(chunks, builder)

    def without(*arguments: Any) -> Update:
        update = build(*arguments)
        return replace(update, conditions=tuple(clause for clause in update.conditions if clause.path != path))

    monkeypatch.setattr(chunks, builder, without)

    with pytest.raises(BaseException, match=found):
        run_state_machine_as_test(Rivals, settings=SHORT)
