"""Tasks on a local cloud where AWS has a bad day: all of them end as they should, once."""

import pytest

from local.cloud import LocalCloud
from local.gate.trouble import MODES
from tests.support.driver import Driver, counters_of

SINGLE = 30
MANY = 200
PATIENCE = 300
"""Seconds: a lost answer costs a read timeout, and a refused end waits for the sweeper."""


class Insistent(Driver):
    """A client that asks again when the API could not do it, as its idempotency key allows."""

    def call(self, method, path, body=None, **options):
        def answered():
            answer = super(Insistent, self).call(method, path, body, **options)
            return None if answer.status >= 500 else answer

        return self.until(answered, f"the API can {method} {path}", PATIENCE)


@pytest.fixture
def tasks(monkeypatch):
    monkeypatch.setenv("LOCAL_TROUBLE", ",".join(MODES))
    with LocalCloud() as running:
        yield Insistent(running)


@pytest.mark.slow
def test_tasks_end_on_a_bad_day(tasks):
    """GIVEN throttles, lost answers, batches done in part and indexes that lag; WHEN tasks run; THEN all complete."""
    many = tasks.fan_out("cat", [{"key": str(number)} for number in range(MANY)], headers={"Idempotency-Key": "many"})
    singles = [
        tasks.create("cat", {"key": str(number)}, headers={"Idempotency-Key": f"single {number}"})
        for number in range(SINGLE)
    ]
    ended = [tasks.wait(task, seconds=PATIENCE) for task in singles]
    many = tasks.wait(many, seconds=PATIENCE)
    assert {task["status"] for task in ended} == {"COMPLETED"}
    assert len({task["id"] for task in ended}) == SINGLE
    assert (many["status"], counters_of(many)) == ("COMPLETED", (MANY, MANY, 0, 0))
    assert [sub_task["index"] for sub_task in tasks.sub_tasks(many)] == list(range(MANY))
