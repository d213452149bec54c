"""The benchmarks' arithmetic, and that results.json, its prices and docs/performance.md say the same."""

import importlib
import json
import os
import re
from dataclasses import replace
from datetime import date

import pytest
from serverless_tasks.adapters.prices import looked_up, prices
from serverless_tasks.core.sizes import INDEXES
from serverless_tasks.core.task_type import forget_task_types

from benchmarks import budgets, cost, counted, counts, document, followed, logs, priced, processes, results
from benchmarks.cost import Deployment
from benchmarks.counts import Counts
from benchmarks.fit import fit
from benchmarks.meter import Meter
from benchmarks.tables import OF_SECTION, TABLES, _target_row
from benchmarks.units import index_write_units, indexes_of, item_size, message_requests, read_units, write_units
from tests.support.resources import ROOT, properties

FOUND = results.load()
KB = 1024
MEMORY = {"api": 1024, "relay": 256, "queue": 512, "plan": 512, "chunk": 512, "finish": 512}


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


# ---------------------------------------------------------------------------------------------------- dollars


def test_every_price_has_a_unit_a_source_and_a_day():
    date.fromisoformat(looked_up())
    for price in prices().values():
        assert price.usd > 0
        assert price.per in (10**6, 10**12)
        assert price.source.startswith("https://aws.amazon.com/")
        assert price.unit
        assert price.read_in


def test_every_term_is_a_count_times_its_price(monkeypatch):
    million = Counts(
        n=0,
        chunks=0,
        writes=0,
        write_units=4,
        index_write_units=3,
        reads=0,
        read_units=2,
        messages=10,
        sends=1,
        visibility_changes=1,
        publishes=2,
        puts=1,
        gets=10,
        transitions=4,
        state_bytes=0,
        largest_item=0,
        invocations={"api": 2, "relay": 2, "queue": 3},
        log_bytes={"queue": 1000, "api": 200},
    )
    monkeypatch.setattr(cost, "platform_bytes", lambda: 400)
    terms = cost.per_million(cost.task_cost(million, Deployment(MEMORY)))
    assert terms.pop(cost.ESTIMATED) > 0
    assert terms.pop(cost.API_ESTIMATED) > 0.0005 * (200 + 2 * 400)
    assert terms == pytest.approx(
        {
            "table writes": 2.50,
            "index writes": 1.875,
            "table reads": 0.25,
            "bucket writes": 5.00,
            "bucket reads": 4.00,
            "queue requests": 0.40 * (1 + 20 + 1),
            "fair queue, at most": 0.10 * 22,
            "state transitions": 100.00,
            "Lambda requests": 1.00,
            "logs": 0.5 + 0.0005 * 5 * 400,
            "topic": 1.00,
            "HTTP API": 2.00,
            "API function": 0.40,
        }
    )
    assert cost.requests(terms) == pytest.approx(2.50 + 1.875 + 0.25 + 5 + 4 + 8.80 + 2.20 + 100 + 1)
    assert cost.requests_with_outside(terms) == pytest.approx(cost.requests(terms) + 3.40)


def test_time_is_latency_and_processor_time_at_the_share_that_memory_gives():
    chunk = counted.from_json(FOUND["counts"]["single"])
    chunk = replace(chunk, n=1000, invocations={"chunk": 1, "relay": 0}, calls={"chunk": {"dynamodb": 4, "s3": 2}})
    working = 6 * 0.8 + 1.0 + 1000 * 0.04
    seconds = (4 * 5 + 2 * 25 + working * 1769 / 512) / 1000
    terms = cost.task_cost(replace(chunk, invocations={"api": 0, **chunk.invocations}), Deployment(MEMORY))
    assert terms[cost.ESTIMATED] == pytest.approx(seconds * 0.5 * 13.3334 / 1e6)


@pytest.mark.parametrize(("updates", "at_once"), [(1, 1), (5, 5), (25, 8)])
def test_the_relay_waits_for_several_updates_at_once(updates, at_once):
    relay = counted.from_json(FOUND["counts"]["single"])
    relay = replace(relay, invocations={"api": 0, "relay": 1}, calls={"relay": {"dynamodb": updates, "sqs": 2}})
    seconds = (updates * 5 / at_once + 2 * 8 + ((updates + 2) * 0.8 + 1.0) * 1769 / 256) / 1000
    assert cost.task_cost(relay, Deployment(MEMORY))[cost.ESTIMATED] == pytest.approx(seconds / 4 * 13.3334 / 1e6)


def test_the_relay_s_threads_are_those_of_its_function():
    app = (ROOT / "functions" / "relay" / "app.py").read_text(encoding="utf-8")
    assert f"\nTHREADS = {cost.RELAY_THREADS}\n" in app


@pytest.mark.parametrize(("level", "size"), [("WARN", 0), ("INFO", logs.START_AND_REPORT)])
def test_lambda_s_own_lines_are_counted_where_the_template_asks_for_them(monkeypatch, level, size):
    monkeypatch.setitem(logs.TEMPLATE["Parameters"]["PlatformLogLevel"], "Default", level)
    assert logs.platform_bytes() == size


@pytest.mark.parametrize(("found", "verdict"), [(7.0, "holds"), (7.01, "**over**")])
def test_a_target_that_is_missed_says_so(found, verdict):
    assert _target_row(7.0, [found]) == ("target: at most 7.00", verdict, "")


def test_the_followed_modules_formulas_are_the_published_counts():
    published = {10: (54, 40, 44, 65), 100: (504, 2_200, 404, 605), 480: (2_404, 47_040, 1_924, 2_885)}
    for n, expected in published.items():
        one = followed.Published(n)
        assert (one.writes, one.queries, one.publishes, one.invocations) == expected


def test_a_parabola_is_found_again():
    found = fit([(x, 3 + 2 * x + 0.5 * x * x) for x in (0, 1, 10, 100, 1000)])
    assert (found.constant, found.linear, found.quadratic) == pytest.approx((3, 2, 0.5))
    assert fit([(x, 7 + 4 * x) for x in (0, 1, 10, 100, 1000)]).quadratic_share(1000) == pytest.approx(0, abs=1e-6)


# ---------------------------------------------------------------------------------------------------- results and docs


def test_every_section_was_measured():
    assert set(FOUND) == {"measured", *results.SECTIONS}
    for section in results.SECTIONS:
        date.fromisoformat(FOUND["measured"][section]["day"])


def test_nothing_is_over_budget():
    rows = [
        FOUND["counts"]["single"],
        FOUND["counts"]["singles"],
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
    single, singles = (counted.from_json(FOUND["counts"][name]) for name in ("single", "singles"))
    again = json.loads(json.dumps(priced.section(single, singles, rows, FOUND["race"]["rows"])))
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
