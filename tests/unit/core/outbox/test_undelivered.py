"""The item of an end that a sink did not take."""

from datetime import timedelta

import pytest
from serverless_tasks.core.dynamodb.expressions import Update, absent, equals
from serverless_tasks.core.outbox.undelivered import Undelivered, delivered, put_off, refused
from serverless_tasks.core.task.keys import undelivered_attention
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import to_iso

from tests.support.examples import AT, NOW, a_fan_out, a_task

EXPIRES = 1_800_000_000


def at(seconds):
    return to_iso(NOW + timedelta(seconds=seconds))


def an_end(**values):
    item = {"pk": "UNTOLD#TASK#mbc", "sk": "cat#1#4", "topics": ["alarm"], "since": AT, "dueAt": AT}
    return Undelivered.from_item(item | values)


@pytest.mark.parametrize("make", [a_task, a_fan_out])
def test_a_refused_end_is_an_item_of_its_own_that_the_sweeper_finds(make):
    task = make(TaskStatus.FAILED, expires_at=EXPIRES)

    update = refused(task, ["status", "alarm", "bus"], NOW)

    assert update == Update(
        f"UNTOLD#{task.pk}",
        f"{task.sk}#{task.version}",
        set={
            "kind": "UNTOLD",
            "topics": ["status", "alarm", "bus"],
            "since": AT,
            "attention": undelivered_attention(task.code),
            "dueAt": at(60),
            "expiresAt": EXPIRES,
        },
        conditions=(absent("pk"),),
    )
    found = Undelivered.from_item({"pk": update.pk, "sk": update.sk, **update.set})
    assert (found.task_key, found.version, found.sinks) == (task.key, task.version, ("status", "alarm", "bus"))


@pytest.mark.parametrize(("age", "wait"), [(0, 60), (60, 60), (61, 61), (3600, 3600), (3601, 3600), (86_400, 3600)])
def test_looks_are_ever_more_seldom(age, wait):
    update = put_off(an_end(), NOW + timedelta(seconds=age))
    assert update == Update(
        "UNTOLD#TASK#mbc", "cat#1#4", set={"dueAt": at(age + wait)}, conditions=(equals("dueAt", AT),)
    )


def test_sinks_that_are_left_are_tried_again_and_no_others():
    both = an_end(topics=["status", "alarm"])
    expected = (equals("dueAt", AT),)
    assert delivered(both, ["alarm"]) == Update(both.pk, both.sk, set={"topics": ["alarm"]}, conditions=expected)
    closed = Update(both.pk, both.sk, set={"topics": []}, remove=("attention", "dueAt"), conditions=expected)
    assert delivered(both, []) == closed


def test_an_item_that_is_none_is_refused():
    with pytest.raises(TypeError):
        an_end(topics=None)
