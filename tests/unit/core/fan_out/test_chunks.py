"""Chunks: how a list is cut, what a chunk knows of itself, and what its writes say."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from serverless_tasks.core.dynamodb.attribute_values import decode_item, encode_item
from serverless_tasks.core.dynamodb.expressions import Put, Update, absent, absent_or_at_most, equals, lacks
from serverless_tasks.core.fan_out import chunks
from serverless_tasks.core.fan_out.chunks import Chunk, Range, recount
from serverless_tasks.core.times import to_iso, to_milliseconds
from serverless_tasks.core.usage.amounts import Usage

from tests.support.examples import AT, CODE, NOW, a_chunk, a_fan_out

PK = f"SUB_TASK#mbc#{CODE}"
REFERENCE = {"key": "k", "bytes": 5000, "etag": '"e"'}
HELD = (equals("run", 1), equals("attempt", 4))
LEASE = NOW + timedelta(minutes=15)
STARTED = to_milliseconds(NOW)
COUNTS = st.integers(0, 10**7)


def at(seconds):
    return to_iso(NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("changes", "run", "expected"),
    [
        ({"finished_at": AT}, 0, True),
        ({"finished_at": AT, "failed": 3}, 0, True),
        ({"succeeded": 3}, 0, False),
        ({"finished_at": AT, "succeeded": 3}, 1, True),
        ({"finished_at": AT, "succeeded": 2, "failed": 1}, 1, False),
        ({"succeeded": 3}, 2, True),
        ({"run": 1, "finished_at": AT, "succeeded": 3}, 0, False),
        ({"run": 1, "succeeded": 3}, 1, False),
    ],
)
def test_chunk_is_done_when_it_finished_in_this_run_or_succeeded_before(changes, run, expected):
    assert a_chunk(**changes).done_in(run) is expected


@pytest.mark.parametrize(
    ("changes", "run", "seconds"),
    [
        ({}, 0, 0),
        ({"lease_until": at(60)}, 0, 60),
        ({"due_at": at(60.5)}, 0, 60.5),
        ({"due_at": at(-60)}, 0, 0),
        ({"lease_until": at(10), "due_at": at(20)}, 0, 20),
        ({"lease_until": at(20), "due_at": at(10)}, 0, 20),
        ({"lease_until": at(60), "due_at": at(60)}, 1, 0),
        ({"lease_until": at(60), "run": 1}, 1, 60),
    ],
)
def test_chunk_is_due_when_lease_and_backoff_are_over_and_at_once_in_a_later_run(changes, run, seconds):
    assert a_chunk(**changes).due_in(run, NOW) == seconds


def test_a_chunk_that_is_there_still_is_kept_for_longer():
    chunk = a_chunk(3, expires_at=1_800_000_000)
    assert chunks.keep(chunk, 1_900_000_000) == Update(
        PK, "000003", set={"expiresAt": 1_900_000_000}, conditions=(equals("expiresAt", 1_800_000_000),)
    )


def test_chunk_is_created_once_and_comes_back():
    place = Range(3, 30, 10, 0, 512)
    put = chunks.create(a_fan_out(run=2), place, 1_800_000_000)
    item = {
        "pk": PK,
        "sk": "000003",
        "kind": "CHUNK",
        "number": 3,
        "first": 30,
        "count": 10,
        "byteStart": 0,
        "byteEnd": 512,
        "run": 0,
        "attempt": 0,
        "succeeded": 0,
        "failed": 0,
        "expiresAt": 1_800_000_000,
    }
    assert put == Put(item, conditions=(absent("pk"),))
    assert Chunk.from_item(decode_item(encode_item(item))) == Chunk(
        pk=PK, sk="000003", range=place, expires_at=1_800_000_000
    )


def test_chunk_of_an_inline_input_is_created_without_bytes():
    assert "byteStart" not in (item := chunks.create(a_fan_out(), Range(0, 0, 1), 9).item)
    assert "byteEnd" not in item


def test_all_of_a_chunk_is_read():
    item = {"pk": PK, "sk": "000001", "number": 1, "first": 3, "count": 2, "byteStart": 5, "byteEnd": 9, "run": 1}
    item |= {"attempt": 4, "claims": 2, "leaseUntil": at(1), "dueAt": at(2), "finishedAt": at(3), "inFlight": 4}
    item |= {"startedAt": STARTED}
    item |= {"outcomes": "null\n", "outcomesRef": REFERENCE, "succeeded": 1, "failed": 1}
    chunk = Chunk.from_item(item)
    assert chunk == Chunk(
        pk=PK,
        sk="000001",
        range=Range(1, 3, 2, 5, 9),
        run=1,
        attempt=4,
        claims=2,
        lease_until=at(1),
        due_at=at(2),
        started_at=at(0),
        finished_at=at(3),
        in_flight=4,
        outcomes="null\n",
        outcomes_ref=REFERENCE,
        succeeded=1,
        failed=1,
    )
    assert chunk.number == 1


CHUNK = a_chunk(2, first=6, count=3, run=1, attempt=4)


@pytest.mark.parametrize(("holder", "removed"), [(None, ("dueAt", "holder")), ("a child", ("dueAt",))])
def test_claim_takes_a_free_chunk_of_this_run_that_has_something_left(holder, removed):
    assert chunks.claim(a_fan_out(run=1), 2, NOW, LEASE, holder) == Update(
        PK,
        "000002",
        set={"leaseUntil": to_iso(LEASE), **({"holder": holder} if holder else {})},
        set_once={"startedAt": STARTED},
        count={"attempt": 1, "claims": 1},
        remove=removed,
        conditions=(equals("run", 1), absent("finishedAt"), absent_or_at_most("leaseUntil", AT)),
    )


def test_a_lost_claim_takes_the_lease_of_the_holder_that_it_names_and_no_other():
    claim = chunks.claim(a_fan_out(run=1), 2, NOW, LEASE, "a child")
    lost = chunks.claim_lost(a_fan_out(run=1), 2, NOW, LEASE, "a child")
    assert lost == replace(claim, conditions=(*claim.conditions[:2], equals("holder", "a child")))


def test_take_over_begins_the_later_run_with_what_succeeded():
    assert chunks.take_over(CHUNK, 2, NOW, LEASE) == Update(
        PK,
        "000002",
        set={"run": 2, "attempt": 5, "claims": 1, "failed": 0, "startedAt": STARTED, "leaseUntil": to_iso(LEASE)},
        remove=("dueAt", "finishedAt", "inFlight", "unread", "holder"),
        conditions=(*HELD, equals("succeeded", 0)),
    )
    assert chunks.take_over(CHUNK, 2, NOW, LEASE, "a child").set["holder"] == "a child"


def test_take_over_leaves_what_was_used_unless_it_is_counted():
    # An ended chunk was counted by its worker, or by the plan that followed.
    chunk = replace(CHUNK, usage=Usage(write_units=9, invocations=2))
    assert not {"uW", "uI"} & set(chunks.take_over(chunk, 2, NOW, LEASE).set)
    ended = chunks.take_over(replace(chunk, finished_at=AT), 2, NOW, LEASE)
    assert {name: value for name, value in ended.set.items() if name.startswith("u")} == {"uW": 0, "uI": 0}


@pytest.mark.parametrize(
    ("stored", "other"), [({"outcomes": "null\n"}, "outcomesRef"), ({"outcomesRef": REFERENCE}, "outcomes")]
)
def test_flush_writes_the_outcomes_so_far_and_that_nothing_is_in_flight(stored, other):
    assert chunks.flush(CHUNK, stored, (2, 1)) == Update(
        PK,
        "000002",
        set={**stored, "succeeded": 2, "failed": 1, "claims": 1},
        remove=(other, "inFlight", "unread"),
        conditions=HELD,
    )


def test_index_in_flight_is_marked_by_its_holder_alone():
    assert chunks.mark_in_flight(CHUNK, 7) == Update(PK, "000002", set={"inFlight": 7}, conditions=HELD)


@pytest.mark.parametrize(
    ("counts", "due_at", "more"),
    [
        ((2, 1), None, {"finishedAt": AT}),
        ((3, 0), to_iso(LEASE), {"finishedAt": AT}),
        ((1, 1), to_iso(LEASE), {"dueAt": to_iso(LEASE)}),
        ((1, 1), None, {}),
        ((0, 0), None, {}),
    ],
)
@pytest.mark.parametrize(
    ("stored", "other"), [({"outcomes": "null\n"}, "outcomesRef"), ({"outcomesRef": REFERENCE}, "outcomes")]
)
def test_release_says_that_the_chunk_is_done_or_when_it_is_due(stored, other, counts, due_at, more):
    assert chunks.release(CHUNK, stored, counts, NOW, due_at) == Update(
        PK,
        "000002",
        set={**stored, "succeeded": counts[0], "failed": counts[1], "claims": 0, **more},
        remove=(other, "leaseUntil", "holder", "inFlight", "unread"),
        conditions=HELD,
    )


@pytest.mark.parametrize(("begun", "removed"), [(False, ()), (True, ("inFlight",))])
@pytest.mark.parametrize("claims", [1, 3])
def test_given_back_a_chunk_is_as_it_was_and_due_later(claims, begun, removed):
    chunk = replace(CHUNK, claims=claims, unread=4)
    assert chunks.give_back(chunk, NOW, 60, begun=begun) == Update(
        PK,
        "000002",
        set={"claims": claims - 1, "unread": 5, "dueAt": at(60)},
        remove=("leaseUntil", "holder", *removed),
        conditions=HELD,
    )


def test_progress_counts_a_chunk_once_while_the_task_is_processing():
    task = a_fan_out(run=1)
    assert chunks.progress(task, replace(CHUNK, succeeded=2, failed=1), NOW) == Update(
        task.pk,
        task.sk,
        set={"change": "data", "updatedAt": AT},
        increment={"attributes.subTaskSucceedCount": 2, "attributes.subTaskFailedCount": 1},
        add_to_set={"doneChunks": frozenset({2})},
        conditions=(equals("status", "PROCESSING"), equals("run", 1), lacks("doneChunks", 2)),
    )


def test_progress_adds_what_the_chunk_has_used():
    chunk = replace(CHUNK, usage=Usage(write_units=9, invocations=2))
    assert chunks.progress(a_fan_out(run=1), chunk, NOW).count == {"uW": 9, "uI": 2}


def test_recount_counts_what_is_done_in_the_run():
    found = [
        a_chunk(0, finished_at=AT, succeeded=3),
        a_chunk(1, finished_at=AT, succeeded=2, failed=1),
        a_chunk(2, run=1, finished_at=AT, succeeded=1, failed=2),
        a_chunk(3, run=1, succeeded=1, failed=1),
    ]
    assert recount(found, 1) == ({"subTaskSucceedCount": 4, "subTaskFailedCount": 2}, frozenset({0, 2}))
    assert recount(found, 0) == ({"subTaskSucceedCount": 5, "subTaskFailedCount": 1}, frozenset({0, 1}))
    assert recount([], 0) == ({"subTaskSucceedCount": 0, "subTaskFailedCount": 0}, frozenset())
