"""When the objects of an open task are looked at, and which are renewed."""

from datetime import timedelta

import pytest
from serverless_tasks.core.task import keeping
from serverless_tasks.core.times import to_iso

from tests.support.examples import NOW, a_fan_out, a_task

DAYS = 60
UPLOAD = {"key": "uploads/mbc/01KDVDNA00MR5EXME5V0BEB57M.csv", "bytes": 1, "etag": "e"}


def ago(days):
    return to_iso(NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({"created_at": ago(14.99)}, False),
        ({"created_at": ago(15)}, True),
        ({"created_at": ago(90), "kept_at": ago(7.49)}, False),
        ({"created_at": ago(90), "kept_at": ago(7.5)}, True),
        ({"created_at": ago(0), "input_ref": UPLOAD}, True),
        ({"created_at": ago(0), "input_ref": UPLOAD, "kept_at": ago(7)}, False),
        ({"created_at": ago(0), "input_ref": {**UPLOAD, "key": "payloads/mbc/1/input.jsonl"}}, False),
    ],
)
@pytest.mark.parametrize("new", [a_task, a_fan_out])
def test_it_is_time_after_a_quarter_of_an_object_s_life_and_then_after_each_eighth(new, changes, due):
    assert keeping.is_due(new(**changes), NOW, DAYS) is due


@pytest.mark.parametrize("days", [2, 60, 7300])
def test_what_a_task_has_at_its_end_lives_for_half_of_the_life_of_an_object(days):
    life, looks_apart = timedelta(days=days), timedelta(days=days) / keeping.LOOKS
    oldest = NOW - keeping.old_before(NOW, days) + looks_apart + timedelta(minutes=20)
    assert life - oldest >= life / 2
