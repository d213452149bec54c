"""Amounts that add up, their place on items, and what they cost."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serverless_tasks.adapters.prices import prices
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.dynamodb.attribute_values import decode_item, encode_item
from serverless_tasks.core.dynamodb.sizes import (
    index_units,
    item_size,
    item_units,
    read_units,
    refused_units,
    write_units,
)
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.times import to_iso
from serverless_tasks.core.usage.amounts import NOTHING, STORED_AS, Usage, lane_time
from serverless_tasks.core.usage.costs import (
    PRICED,
    RELAY_MEGABYTES,
    estimated_usd,
    gigabyte_seconds,
    unrecorded,
    usage_view,
    whole_usage,
)
from serverless_tasks.testing import MemoryStack

from tests.support.examples import a_fan_out, a_task
from tests.support.resources import memory

EACH = Usage(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11_000)
USAGES = st.builds(Usage, *[st.integers(0, 10**12)] * len(STORED_AS))
KB = 1024


def test_every_amount_has_an_attribute_of_two_letters():
    assert list(STORED_AS) == [field.name for field in fields(Usage)]
    assert len(set(STORED_AS.values())) == len(STORED_AS)
    assert {len(name) for name in STORED_AS.values()} == {2}


@given(USAGES, USAGES)
def test_amounts_add_up_each_for_itself(one, other):
    both = one + other
    assert all(getattr(both, name) == getattr(one, name) + getattr(other, name) for name in STORED_AS)
    assert both == other + one
    assert one + NOTHING == NOTHING + one == one


def test_amounts_are_multiplied():
    assert EACH.times(2) == EACH + EACH
    assert EACH.times(0) == NOTHING


@given(USAGES)
def test_usage_comes_back_from_an_item(usage):
    assert Usage.from_item(decode_item(encode_item({"pk": "p", **usage.to_item()}))) == usage


def test_zeros_take_no_room():
    assert Usage(write_units=3, queue_requests=1).to_item() == {"uW": 3, "uQ": 1}
    assert NOTHING.to_item() == {}
    assert a_task(usage=Usage(write_units=3)).to_item()["uW"] == 3
    assert "uW" not in a_task().to_item()


def test_what_is_no_number_is_no_usage():
    with pytest.raises(ValueError, match="many"):
        Usage.from_item({"uW": "many"})
    with pytest.raises(TypeError):
        Usage.from_item({"uW": None})


# ---------------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("aé", 3),
        ("\ud800", 3),
        (TaskStatus.CREATED, 7),
        (None, 1),
        (True, 1),
        (0, 1),
        (99, 2),
        (100, 2),
        (-123, 4),
        (0.25, 2),
        (1e-07, 2),
        (frozenset({7, 999}), 5),
        ([], 3),
        (("a", 1), 3 + 2 + 1 + 2),
        ({"a": {"b": "c"}}, 3 + 1 + 1 + 3 + 1 + 1 + 1),
    ],
)
def test_sizes_of_plain_values(value, size):
    assert item_size({"name": value}) == 4 + size


def of(size, **keys):
    return {"a": "x" * (size - 1 - item_size(keys)), **keys}


def test_a_write_takes_the_larger_item_and_what_moves_in_the_indexes():
    created = {"tenantCode": "mbc", "code": "1", "attention": "OPEN#1", "dueAt": "1"}
    assert write_units({}, of(KB, **created)) == 1 + 2
    assert write_units(of(KB + 1, **created), of(KB, **created)) == 2
    assert write_units(of(KB, **created), of(KB, tenantCode="mbc", code="1")) == 1 + 1
    moved = {**created, "attention": "FAILED#mbc"}
    assert (item_units(created, moved), index_units(created, moved), write_units(created, moved)) == (1, 2, 3)


def test_a_refused_write_takes_what_it_found():
    assert (refused_units(None), refused_units({}), refused_units(of(KB)), refused_units(of(KB + 1))) == (1, 1, 1, 2)


def test_reads_are_added_up_before_they_are_rounded():
    assert (read_units([]), read_units([of(4 * KB)]), read_units([of(3 * KB)] * 4)) == (1, 1, 3)


# ---------------------------------------------------------------------------------------------------- estimates


ENDS = [
    (a_task(version=0), (0, 0), (0, 0)),
    (a_task(TaskStatus.PROCESSING, version=2), (0, 0), (0, 0)),
    (a_task(TaskStatus.COMPLETED, version=3), (1, 1), (0, 0)),
    (a_task(TaskStatus.FAILED, version=3), (1, 2), (1, 1)),
    (a_task(TaskStatus.CANCELLED, version=1), (1, 1), (1, 0)),
    (a_task(TaskStatus.CREATED, version=4, run=1), (1, 2), (1, 1)),
    (a_fan_out(TaskStatus.COMPLETED, version=9, run=1), (2, 3), (1, 1)),
]
"""A task; the relay's invocations and the messages for its ends; both where none is published."""


@pytest.mark.parametrize(("task", "expected", "_"), ENDS)
@pytest.mark.parametrize("messages", ["terminal", "all"])
def test_the_relay_is_invoked_for_each_end_and_publishes_it(task, expected, _, messages):
    assert estimate(task, messages) == expected


@pytest.mark.parametrize(("task", "_", "expected"), ENDS)
def test_where_no_status_is_published_only_failures_and_cancels_wake_the_relay(task, _, expected):
    assert estimate(task, "none") == expected


def estimate(task, messages):
    settings = Settings(status_messages=messages)
    of = settings.relayed, settings.published
    found = unrecorded(task, *of)
    assert found == Usage(
        invocations=found.invocations,
        megabyte_milliseconds=found.invocations * 10 * 512,
        publishes=found.publishes,
    )
    assert whole_usage(replace(task, usage=EACH), *of) == EACH + found
    return found.invocations, found.publishes


def test_the_relay_has_the_memory_that_is_assumed():
    assert memory("RelayFunction") == RELAY_MEGABYTES


def test_each_amount_takes_its_price():
    names = ("writeUnit", "readUnit", "lambdaRequest", "lambdaSecond", "transition", "put", "get")
    more = ("queueRequest", "fairQueueRequest", "publish", "expressRequest", "expressSecond")
    costs = dict.fromkeys((*names, *more), 0.0)
    seconds = replace(EACH, megabyte_milliseconds=4 * 1024 * 1000)
    assert gigabyte_seconds(seconds) == 4
    found = [estimated_usd(seconds, costs | {name: 1.0}) for name in costs]
    assert found == [1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11]
    assert estimated_usd(seconds, costs) == 0


def test_without_fair_queue_its_price_is_not_estimated():
    with_it, without = (
        MemoryStack(fair_queue=fair).service.usage_of(a_task(usage=EACH))["estimatedUsd"] for fair in (True, False)
    )
    assert with_it - without == pytest.approx(EACH.queue_requests * prices()["fairQueueRequest"].of(1))


def test_the_view_says_every_amount_and_what_they_cost():
    ones = dict.fromkeys(("writeUnit", "readUnit", "lambdaRequest", "lambdaSecond", "transition", "put", "get"), 1e-6)
    more = {"queueRequest": 1e-6, "fairQueueRequest": 0, "publish": 1e-6, "expressRequest": 1e-6, "expressSecond": 1e-6}
    costs = {**ones, **more}
    assert usage_view(replace(EACH, megabyte_milliseconds=1_234_567), costs, "us-east-1, 2026-11-22") == {
        "writeUnits": 1,
        "readUnits": 2,
        "invocations": 3,
        "gigabyteSeconds": 1.205632,
        "stateTransitions": 5,
        "payloadWrites": 6,
        "payloadReads": 7,
        "queueRequests": 8,
        "publishes": 9,
        "expressRequests": 10,
        "expressSeconds": 11.0,
        "estimatedUsd": 6.3206e-05,
        "pricesOf": "us-east-1, 2026-11-22",
    }


def test_every_amount_has_a_price_in_the_file():
    assert {name for names in PRICED.values() for name in names} | {"lambdaSecond", "expressSecond"} <= set(prices())
    assert {*PRICED, "megabyte_milliseconds", "express_milliseconds"} == set(STORED_AS)


@pytest.mark.parametrize(("seconds", "billed"), [(-0.2, 100), (0, 100), (0.1, 100), (0.101, 200), (2.34, 2400)])
def test_a_lane_is_billed_by_tenths_of_a_second(seconds, billed):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert lane_time(now, to_iso(now - timedelta(seconds=seconds))) == Usage(express_milliseconds=billed)
