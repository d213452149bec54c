"""The benchmarks' dollars: what was counted, times list prices, and whether a target holds."""

from dataclasses import fields, replace
from datetime import date

import pytest
from serverless_tasks.adapters.prices import looked_up, prices

from benchmarks import cost, followed, logs
from benchmarks.cost import Deployment
from benchmarks.counts import Counts
from benchmarks.fit import fit
from benchmarks.tables import _target_row
from tests.support.resources import ROOT

NUMBERS = [field.name for field in fields(Counts) if field.type in ("int", "float", int, float)]
NOTHING = Counts(**dict.fromkeys(NUMBERS, 0), invocations={"api": 0})
"""A task that took nothing."""
MEMORY = {"api": 1024, "relay": 256, "queue": 512, "plan": 512, "chunk": 512, "finish": 512}


def test_every_price_has_a_unit_a_source_and_a_day():
    date.fromisoformat(looked_up())
    for price in prices().values():
        assert price.usd > 0
        assert price.per in (10**6, 10**12)
        assert price.source.startswith("https://aws.amazon.com/")
        assert price.unit
        assert price.read_in


def test_every_term_is_a_count_times_its_price(monkeypatch):
    million = replace(
        NOTHING,
        write_units=4,
        index_write_units=3,
        read_units=2,
        messages=10,
        sends=1,
        visibility_changes=1,
        publishes=2,
        puts=1,
        gets=10,
        transitions=4,
        express_requests=0,
        invocations={"api": 2, "relay": 2, "queue": 3},
        log_bytes={"queue": 1000, "api": 200},
    )
    monkeypatch.setattr(cost, "platform_bytes", lambda: 400)
    terms = cost.per_million(cost.task_cost(million, Deployment(MEMORY)))
    assert terms.pop(cost.ESTIMATED) > 0
    assert terms.pop(cost.EXPRESS_ESTIMATED) == 0
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
            "Express requests": 0,
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
    chunk = replace(NOTHING, n=1000, invocations={"api": 0, "chunk": 1}, calls={"chunk": {"dynamodb": 4, "s3": 2}})
    working = 6 * 0.8 + 1.0 + 1000 * 0.04
    seconds = (4 * 5 + 2 * 25 + working * 1769 / 512) / 1000
    terms = cost.task_cost(chunk, Deployment(MEMORY))
    assert terms[cost.ESTIMATED] == pytest.approx(seconds * 0.5 * 13.3334 / 1e6)


def test_a_lane_is_billed_for_plan_waves_and_finish():
    calls = {"plan": {"dynamodb": 2}, "chunk": {"dynamodb": 120}, "finish": {"dynamodb": 2}}
    lane = replace(NOTHING, n=40, chunks=40, express_requests=1, calls=calls, invocations={"api": 0, "chunk": 40})
    share = 1769 / 512
    plan = 2 * 5 + (2 * 0.8 + 1.0) * share
    chunk = 3 * 5 + (3 * 0.8 + 1.0 + 0.04) * share
    milliseconds = 2 * plan + 2 * chunk + 10 * (7 + 2 * 2)
    assert cost.lane_seconds(lane, Deployment(MEMORY)) == -(-milliseconds // 100) / 10
    assert cost.lane_seconds(lane, Deployment(MEMORY), 10.0) == pytest.approx(20 + -(-milliseconds // 100) / 10)
    assert cost.lane_seconds(replace(lane, express_requests=0), Deployment(MEMORY)) == 0
    terms = cost.per_million(cost.task_cost(lane, Deployment(MEMORY)))
    assert (terms["Express requests"], terms[cost.EXPRESS_ESTIMATED]) == (1.0, pytest.approx(0.4168, abs=0.2))


@pytest.mark.parametrize(("updates", "at_once"), [(1, 1), (5, 5), (25, 8)])
def test_the_relay_waits_for_several_updates_at_once(updates, at_once):
    relay = replace(NOTHING, invocations={"api": 0, "relay": 1}, calls={"relay": {"dynamodb": updates, "sqs": 2}})
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
    assert _target_row(7.0, 7.0, [found, 7.0, 7.0]) == ("target: at most 7.00", verdict, "holds", "holds", "")


def test_a_lean_task_has_a_target_of_its_own():
    assert _target_row(7.0, 6.6, [7.0, 6.7, 7.0]) == (
        "target: at most 7.00, lean 6.60",
        "holds",
        "**over**",
        "holds",
        "",
    )


def test_the_followed_modules_formulas_are_the_published_counts():
    published = {10: (54, 40, 44, 65), 100: (504, 2_200, 404, 605), 480: (2_404, 47_040, 1_924, 2_885)}
    for n, expected in published.items():
        one = followed.Published(n)
        assert (one.writes, one.queries, one.publishes, one.invocations) == expected


def test_a_parabola_is_found_again():
    found = fit([(x, 3 + 2 * x + 0.5 * x * x) for x in (0, 1, 10, 100, 1000)])
    assert (found.constant, found.linear, found.quadratic) == pytest.approx((3, 2, 0.5))
    assert fit([(x, 7 + 4 * x) for x in (0, 1, 10, 100, 1000)]).quadratic_share(1000) == pytest.approx(0, abs=1e-6)
