"""What is remembered of an end that a topic did not take."""

from datetime import timedelta

import pytest
from serverless_tasks.core.dynamodb.expressions import Update, absent, equals
from serverless_tasks.core.outbox.undelivered import Topic, Untold, concerned, owed, put_off, told
from serverless_tasks.core.task.keys import untold_attention
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import to_iso

from tests.support.examples import AT, NOW, a_fan_out, a_task

EXPIRES = 1_800_000_000


def at(seconds):
    return to_iso(NOW + timedelta(seconds=seconds))


def an_untold(**values):
    item = {"pk": "UNTOLD#TASK#mbc", "sk": "cat#1#4", "topics": ["alarm"], "since": AT, "dueAt": AT}
    return Untold.from_item(item | values)


@pytest.mark.parametrize("make", [a_task, a_fan_out])
def test_what_is_owed_is_an_item_of_its_own_that_the_sweeper_finds(make):
    task = make(TaskStatus.FAILED, expires_at=EXPIRES)

    update = owed(task, concerned(task), NOW)

    assert update == Update(
        f"UNTOLD#{task.pk}",
        f"{task.sk}#{task.version}",
        set={
            "kind": "UNTOLD",
            "topics": ["status", "alarm", "bus"],
            "since": AT,
            "attention": untold_attention(task.code),
            "dueAt": at(60),
            "expiresAt": EXPIRES,
        },
        conditions=(absent("pk"),),
    )
    found = Untold.from_item({"pk": update.pk, "sk": update.sk, **update.set})
    assert (found.task_key, found.version, found.topics) == (task.key, task.version, tuple(Topic))


def test_an_alarm_is_for_failures_only():
    assert [concerned(a_task(status)) for status in ("COMPLETED", "CANCELLED")] == [(Topic.STATUS, Topic.BUS)] * 2


@pytest.mark.parametrize(("age", "wait"), [(0, 60), (60, 60), (61, 61), (3600, 3600), (3601, 3600), (86_400, 3600)])
def test_looks_are_ever_more_seldom(age, wait):
    update = put_off(an_untold(), NOW + timedelta(seconds=age))
    assert update == Update(
        "UNTOLD#TASK#mbc", "cat#1#4", set={"dueAt": at(age + wait)}, conditions=(equals("dueAt", AT),)
    )


def test_what_is_left_is_looked_at_again_and_nothing_else():
    both = an_untold(topics=["status", "alarm"])
    expected = (equals("dueAt", AT),)
    assert told(both, [Topic.ALARM]) == Update(both.pk, both.sk, set={"topics": ["alarm"]}, conditions=expected)
    closed = Update(both.pk, both.sk, set={"topics": []}, remove=("attention", "dueAt"), conditions=expected)
    assert told(both, []) == closed


@pytest.mark.parametrize("values", [{"topics": ["pager"]}, {"topics": None}])
def test_what_is_none_is_refused(values):
    with pytest.raises((ValueError, TypeError)):
        an_untold(**values)
