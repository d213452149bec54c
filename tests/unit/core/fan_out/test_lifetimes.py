"""How long chunks live: a run within the retention writes nothing for it."""

from datetime import timedelta

import pytest
from serverless_tasks.core.fan_out.lifetimes import Lifetime

from tests.support.examples import NOW, a_chunk

DAY, SIX_HOURS = 86_400, 21_600
BEGAN = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("chunks", "concurrency", "round_seconds"), [(1, 20, 1800), (20, 20, 1800), (21, 20, 3600), (1000, 1, 1_800_000)]
)
def test_a_chunk_lives_for_twice_the_retention_and_for_a_round_that_is_long(chunks, concurrency, round_seconds):
    lifetime = Lifetime(30, chunks, concurrency)
    assert lifetime.expires_at(NOW) == BEGAN + 60 * DAY + (SIX_HOURS + round_seconds if round_seconds > 15 * DAY else 0)


@pytest.mark.parametrize(("days", "ends"), [(0, False), (15, False), (29.7, False), (30, True), (59, True)])
def test_it_is_moved_on_by_a_plan_that_comes_late(days, ends):
    lifetime, later = Lifetime(30, 2, 20), NOW + timedelta(days=days)
    chunks = [a_chunk(0, expires_at=lifetime.expires_at(NOW)), a_chunk(1, expires_at=lifetime.expires_at(later))]
    assert lifetime.ending(chunks, later) == (chunks[:1] if ends else [])


def test_one_that_never_expires_stays_as_it_is():
    assert Lifetime(30, 1, 20).ending([a_chunk()], NOW) == []
