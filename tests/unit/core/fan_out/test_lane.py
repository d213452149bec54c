"""The fast lane: which lists it takes by what their item says, and how its time is shared out."""

import json

import pytest
from serverless_tasks.core.fan_out.lane import CHUNK_SECONDS, MAX_CHUNKS, most_chunks, seconds_for_each, takes

from tests.support.examples import a_fan_out

REFERENCE = {"key": "payloads/mbc/1/input.jsonl", "bytes": 5000, "etag": '"e"'}


def of(count, **changes):
    return a_fan_out(input_text=json.dumps([1] * count), **changes)


@pytest.mark.parametrize(
    ("count", "concurrency", "taken"),
    [(0, 20, True), (1, 20, True), (40, 20, True), (1000, 20, True), (40, 1000, True), (41, 1000, False), (9, 2, True)],
)
def test_a_list_in_the_item_is_taken_if_it_makes_few_chunks(count, concurrency, taken):
    assert takes(of(count), concurrency) is taken


def test_a_list_in_the_bucket_is_not_taken_before_its_elements_are_counted():
    assert not takes(a_fan_out(input_ref=REFERENCE), 20)
    assert takes(a_fan_out(input_ref=REFERENCE, run=1, attributes={"subTaskCount": 40}), 20)


def test_a_later_run_is_cut_as_the_first_one_was():
    cut = {"maxCount": 1, "maxBytes": 1000}
    assert takes(of(40, run=1, cut=cut), 20)
    assert not takes(of(41, run=1, cut=cut), 20)


@pytest.mark.parametrize("text", ['{"key": 1}', "[1", "null", "[NaN]"])
def test_an_input_that_is_no_list_is_left_to_the_state_machine(text):
    assert not takes(a_fan_out(input_text=text), 20)


def test_a_task_without_an_input_is_left_to_the_state_machine():
    assert not takes(a_fan_out(), 20)


@pytest.mark.parametrize("concurrency", [1, 2, 8, 10, 20, 1000])
def test_all_waves_fit_into_the_time(concurrency):
    chunks = most_chunks(concurrency)
    waves = -(-chunks // concurrency)
    assert chunks <= MAX_CHUNKS
    assert 50 <= seconds_for_each(chunks, concurrency) <= CHUNK_SECONDS / waves


def test_nothing_to_run_takes_no_time():
    assert seconds_for_each(0, 20) == CHUNK_SECONDS
