"""Batches: which records come again, in which order, and what the log says."""

import logging
import threading

import pytest
from serverless_tasks.workers.batches import Redeliver, work_off


def run(records, handle, **more):
    answer = work_off(records, handle, lambda record: record["id"], **more)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def numbered(*keys):
    return [{"id": str(number), "key": key} for number, key in enumerate(keys)]


def fail_on(identifier, error):
    def handle(record):
        handled.append(record["id"])
        if record["id"] == identifier:
            raise error

    handled = []
    return handle, handled


def test_nothing_failed():
    handle, handled = fail_on("none", ValueError())
    assert run(numbered("a", "b"), handle) == []
    assert handled == ["0", "1"]


@pytest.mark.parametrize("threads", [1, 4])
def test_a_record_that_fails_keeps_no_other_waiting(threads):
    handle, handled = fail_on("1", ValueError("boom"))
    assert run(numbered("a", "b", "c"), handle, same=lambda r: r["key"], threads=threads) == ["1"]
    assert sorted(handled) == ["0", "1", "2"]


@pytest.mark.parametrize("threads", [1, 4])
def test_what_follows_on_the_same_thing_waits_for_it(threads):
    handle, handled = fail_on("0", ValueError("boom"))
    assert run(numbered("a", "b", "a", "a"), handle, same=lambda r: r["key"], threads=threads) == ["0", "2", "3"]
    assert sorted(handled) == ["0", "1"]


def test_the_order_on_one_thing_is_kept_by_threads():
    handle, handled = fail_on("none", ValueError())
    run(numbered(*"abababab"), handle, same=lambda r: r["key"], threads=2)
    assert [i for i in handled if i in "0246"] == ["0", "2", "4", "6"]


def test_without_threads_the_main_one_works():
    seen = []
    run(numbered("a"), lambda record: seen.append(threading.current_thread()), threads=8)
    assert seen == [threading.main_thread()]


@pytest.mark.parametrize(("error", "level"), [(ValueError("boom"), logging.ERROR), (Redeliver("later"), logging.INFO)])
def test_every_failure_has_its_line(caplog, error, level):
    handle, _ = fail_on("0", error)
    with caplog.at_level(logging.INFO):
        assert run(numbered("a"), handle) == ["0"]
    assert [record.levelno for record in caplog.records] == [level]
