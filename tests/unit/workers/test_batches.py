"""Batches of messages: which come again, and what the log says."""

import logging
import threading

import pytest
from serverless_tasks.workers.batches import Redeliver, work_off


def run(records, handle):
    answer = work_off(records, handle, lambda record: record["id"])
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def numbered(count):
    return [{"id": str(number)} for number in range(count)]


def fail_on(identifier, error):
    def handle(record):
        handled.append(record["id"])
        if record["id"] == identifier:
            raise error

    handled = []
    return handle, handled


def test_nothing_failed():
    handle, handled = fail_on("none", ValueError())
    assert run(numbered(2), handle) == []
    assert handled == ["0", "1"]


def test_a_record_that_fails_keeps_no_other_waiting():
    handle, handled = fail_on("1", ValueError("boom"))
    assert run(numbered(3), handle) == ["1"]
    assert handled == ["0", "1", "2"]


def test_the_main_thread_works():
    seen = []
    run(numbered(2), lambda record: seen.append(threading.current_thread()))
    assert seen == [threading.main_thread()] * 2


@pytest.mark.parametrize(("error", "level"), [(ValueError("boom"), logging.ERROR), (Redeliver("later"), logging.INFO)])
def test_every_failure_has_its_line(caplog, error, level):
    handle, _ = fail_on("0", error)
    with caplog.at_level(logging.INFO):
        assert run(numbered(1), handle) == ["0"]
    assert [record.levelno for record in caplog.records] == [level]
