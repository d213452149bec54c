"""The benchmarks' arithmetic, and that results.json, its prices and docs/performance.md say the same."""

import importlib
import json
import os
import re
from dataclasses import replace
from datetime import date

import pytest
from serverless_tasks.core.dynamodb.sizes import INDEXES
from serverless_tasks.core.task_types.task_type import forget_task_types

from benchmarks import budgets, counted, counts, document, followed, priced, processes, results
from benchmarks.cost import SINGLE_TARGET_LEAN, per_million, requests, task_cost
from benchmarks.tables import OF_SECTION, TABLES
from tests.support.meter import Meter
from tests.support.resources import properties
from tests.support.units import index_write_units, indexes_of, item_size, message_requests, read_units, write_units

FOUND = results.load()
KB = 1024


def item(length):
    """An item of so many bytes: 1 for its attribute's name, the rest for its value."""
    return {"a": {"S": "x" * (length - 1)}}


# ---------------------------------------------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"N": "7"}, 2),
        ({"N": "-1200"}, 3),
        ({"N": "1735689600"}, 5),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"NS": ["7", "999"]}, 5),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}]}, 6),
        ({"M": {"ab": {"N": "7"}}}, 8),
    ],
)
def test_sizes_of_values(value, size):
    assert item_size({"name": value}) == 4 + size


@pytest.mark.parametrize(("bytes_", "units"), [(1, 1), (KB, 1), (KB + 1, 2), (400 * KB, 400)])
def test_a_write_unit_is_a_begun_kilobyte_of_the_larger_image(bytes_, units):
    assert write_units(None, item(bytes_)) == units
    assert write_units(item(bytes_), item(1)) == units
    assert write_units(item(bytes_), None) == units


@pytest.mark.parametrize(("sizes", "units"), [([], 1), ([1], 1), ([4 * KB], 1), ([4 * KB, 1], 2), ([3 * KB] * 4, 3)])
def test_a_read_unit_is_four_kilobytes_of_all_items_together(sizes, units):
    assert read_units([item(size) for size in sizes], consistent=True) == units
    assert read_units([item(size) for size in sizes], consistent=False) == units / 2


def test_an_index_is_written_when_its_keys_change():
    index = [("shard", "due")]
    here = {"shard": {"S": "a"}, "due": {"S": "1"}}
    there = here | {"due": {"S": "2"}}
    absent = {"shard": {"S": "a"}}
    assert index_write_units(None, here, index) == 1
    assert index_write_units(here, here | {"other": {"S": "x"}}, index) == 0
    assert index_write_units(here, there, index) == 2
    assert index_write_units(here, absent, index) == 1
    assert index_write_units(absent, absent, index) == 0


def test_the_indexes_are_those_of_the_template():
    assert indexes_of(properties("TasksTable")) == INDEXES


def test_a_refused_write_is_counted_by_what_is_there():
    meter = Meter()
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    meter._add_units("PutItem", {"Item": key | item(3 * KB)}, {})
    meter._add_units("PutItem", {"Item": key}, {"Error": {"Code": "ConditionalCheckFailedException"}})
    assert (meter.write_units, meter.refused) == (4 + 4, 1)


@pytest.mark.parametrize(
    ("lengths", "requests"), [([0], 1), ([65_536], 1), ([65_537], 2), ([6_553] * 10, 1), ([6_560] * 10, 2)]
)
def test_a_call_with_messages_is_billed_by_the_64_kb_of_all_together(lengths, requests):
    assert message_requests([{"MessageBody": "x" * length} for length in lengths]) == requests
    assert message_requests([{"Message": "x" * length} for length in lengths]) == requests


def test_the_attributes_of_a_message_count():
    attribute = {"name": {"DataType": "String", "StringValue": "é" * 100}}
    assert message_requests([{"Message": "x" * (65_536 - 210), "MessageAttributes": attribute}]) == 1
    assert message_requests([{"Message": "x" * (65_536 - 209), "MessageAttributes": attribute}]) == 2


def test_messages_are_counted_by_the_call_and_by_the_piece():
    meter = Meter()
    meter._add_messages("sqs", "SendMessageBatch", {"Entries": [{"MessageBody": "x"}] * 10})
    meter._add_messages("sqs", "SendMessage", {"MessageBody": "x" * 70_000})
    meter._add_messages("sns", "PublishBatch", {"PublishBatchRequestEntries": [{"Message": "x"}] * 3})
    assert meter.messages == {"sqs": 11, "sns": 3}
    assert meter.message_requests == {"sqs": 3, "sns": 1}


# ---------------------------------------------------------------------------------------------------- counts


@pytest.fixture
def tiny():
    """The benchmarks' own task types."""
    forget_task_types()
    module = importlib.import_module("benchmarks.task_types.tiny")
    forget_task_types()
    importlib.reload(module)
    yield
    forget_task_types()


def test_a_single_task_is_within_its_budget(tiny):
    assert budgets.broken(counts.single()) == []


def test_a_lean_single_task_is_within_its_budget_of_dollars(tiny):
    """No status message, no fair queue: the relay is woken by the creation only."""
    found = counts.single(**counts.LEAN)
    assert (found.invocations["relay"], found.publishes, budgets.broken(found)) == (1, 0, [])
    assert shown(found) == shown(counted.from_json(FOUND["counts"]["lean"])), OLD
    terms = per_million(task_cost(found, replace(priced.deployment(), fair_queue=False)))
    assert requests(terms) <= SINGLE_TARGET_LEAN


def test_a_single_task_logs_no_more_than_two_short_lines(tiny):
    """Bytes that CloudWatch counts; a line that says less than it costs is the first that should go."""
    found = counts.single().log_bytes
    assert (found["relay"] <= 520, found["queue"] <= 620) == (True, True), found


def test_single_tasks_at_once_share_the_relay_s_calls(tiny):
    found = counts.singles(counted.SINGLES)
    assert (found.tasks, found.invocations["relay"], budgets.broken(found)) == (25, 2, [])
    assert found.calls["relay"] == {"dynamodb": 25, "sns": 3, "sqs": 3}
    assert (found.messages, found.sends, found.publishes) == (25, 3, 3)
    assert shown(found) == shown(counted.from_json(FOUND["counts"]["singles"])), OLD


@pytest.mark.parametrize("size", [0, 1, 10, 100, 1_000])
def test_a_fan_out_is_within_its_budget(tiny, size):
    found = counts.fan_out(size)
    assert (found.n, budgets.broken(found)) == (size, [])
    [written] = [row for row in FOUND["counts"]["default"] if row["n"] == size]
    assert shown(found) == shown(counted.from_json(written)), OLD


def test_results_are_of_this_code(tiny):
    assert shown(counts.single()) == shown(counted.from_json(FOUND["counts"]["single"])), OLD


OLD = "results.json is older than the code: make bench ARGS='counts cost'"


def shown(found):
    """What the page shows of a task."""
    of_table = found.writes, found.write_units, found.index_write_units, found.reads, found.read_units
    return (
        of_table,
        found.puts,
        found.gets,
        found.sends,
        found.publishes,
        found.transitions,
        found.state_bytes,
        found.invocations,
    )


def test_a_broken_budget_is_named():
    single = counted.from_json(FOUND["counts"]["single"])
    assert budgets.broken(replace(single, reads=2, messages=3)) == [
        "table reads: 2, budget 1",
        "queue messages: 3, budget 1",
    ]


# ---------------------------------------------------------------------------------------------------- results and docs


def test_every_section_was_measured():
    assert set(FOUND) == {"measured", *results.SECTIONS}
    for section in results.SECTIONS:
        date.fromisoformat(FOUND["measured"][section]["day"])


def test_nothing_is_over_budget():
    rows = [
        *(FOUND["counts"][name] for name in ("single", "lean", "singles")),
        *FOUND["counts"]["default"],
        *FOUND["counts"]["alone"],
    ]
    assert [row["overBudget"] for row in rows] == [[]] * len(rows)


def test_the_load_model_makes_the_published_calls():
    for row in FOUND["race"]["rows"]:
        published, played = followed.Published(row["n"]), row["original"]
        calls = published.writes, published.queries, published.publishes
        assert (played["writes"], played["queries"], played["publishes"]) == calls
        assert played["calls"] == sum(calls)


def test_dollars_are_the_counts_at_todays_prices():
    rows = [counted.from_json(row) for row in FOUND["counts"]["default"]]
    singles = [counted.from_json(FOUND["counts"][name]) for name in ("single", "lean", "singles")]
    again = json.loads(json.dumps(priced.section(*singles, rows, FOUND["race"]["rows"])))
    assert again == FOUND["cost"]


def test_every_table_can_be_shown():
    assert {name for names in OF_SECTION.values() for name in names} == set(TABLES)
    for table in TABLES.values():
        shown = table(FOUND)
        assert shown.rows
        assert {len(row) for row in shown.rows} == {len(shown.head)}


def test_the_page_says_what_was_measured():
    page = document.PAGE.read_text(encoding="utf-8")
    assert document.filled(page, FOUND) == page
    assert set(re.findall(r"<!-- table: (\S+) -->", page)) == set(TABLES)


def test_a_page_is_filled():
    page = "It takes <!--=cpu.subTaskMicroseconds|.0f-->9<!--/--> µs.\n\n<!-- table: cpu -->\n\nold\n\n<!-- end -->\n"
    cpu = {"subTaskMicroseconds": 33.4, "singleTaskMicroseconds": 1.0, "callMicroseconds": 2.0}
    filled = document.filled(page, {"cpu": cpu})
    assert "It takes <!--=cpu.subTaskMicroseconds|.0f-->33<!--/--> µs." in filled
    assert "| one sub-task inside a chunk, no AWS | 33 µs | ≤ 50 µs |\n" in filled
    assert "old" not in filled


def test_a_section_is_kept_beside_the_others(tmp_path):
    file = tmp_path / "results.json"
    results.keep("cpu", {"a": 1}, file)
    results.keep("race", {"rows": [{"n": 3}]}, file)
    assert results.at(results.load(file), "race.rows.0.n") == 3
    assert results.load(file)["cpu"] == {"a": 1}
    with pytest.raises(KeyError):
        results.keep("weather", {}, file)


@pytest.mark.skipif(not processes.available(), reason="there is no /proc here")
def test_memory_is_read_from_proc():
    assert os.getpid() in processes.descendants(os.getppid())
    assert processes.peak_megabytes(os.getpid()) > 1
