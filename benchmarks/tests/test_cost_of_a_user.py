"""What one user can cost at most, as docs/security.md says: counted tasks, list prices, and the template's defaults."""

import re
from dataclasses import replace

from serverless_tasks.adapters.prices import prices

from benchmarks.cost import everything, task_cost
from benchmarks.counted import from_json
from benchmarks.counts import Counts
from benchmarks.priced import deployment
from benchmarks.results import load
from local.paths import ROOT
from tests.support.resources import TEMPLATE

DAY = 24 * 60 * 60
STORED = 0.023
"""Dollars for a gigabyte and month of S3 Standard in us-east-1 (https://aws.amazon.com/s3/pricing/)."""
UPLOAD_GB = 5
TASKS_PER_MINUTE, UPLOADS_PER_HOUR = 60, 10
"""The bounds of the page's example."""
READ_UNITS = 1250
"""Of all results of a thousand chunks with full outcomes: 5 MB, consistently (docs/rest-endpoints.md)."""
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def default(parameter: str) -> int:
    return int(TEMPLATE["Parameters"][parameter]["Default"])


def dollars(value: float) -> str:
    return (
        f"${value:,.0f}"
        if value >= 10
        else f"${value:.2f}"
        if value >= 1
        else f"${float(f'{value:.3g}'):.10f}".rstrip("0")
    )


def counted_row(cut: str, n: int) -> Counts:
    """What a list of ``n`` took; ``cut``: ``default``, or ``alone`` for a type of ``chunk_size=1``."""
    return next(row for row in map(from_json, load()["counts"][cut]) if row.n == n)


def lists() -> list[Counts]:
    """The page's lists. One of ten million has the chunks of one of a million, ten times as long."""
    million = counted_row("default", 1_000_000)
    usual = [counted_row("default", n) for n in (40, 1000)]
    return [*usual, counted_row("alone", 1000), million, replace(million, n=10_000_000)]


def each() -> list[tuple[str, str, float]]:
    """Name, chunks and dollars of one creation, with everything but the handlers' time."""
    single = sum(load()["cost"]["single"]["oneByOne"].values()) / 1e6
    upload = UPLOAD_GB * STORED * default("PayloadDays") / 30
    return [
        ("single task", "", single),
        *((f"list of {row.n:,}", f"{row.chunks:,}", everything(task_cost(row, deployment()))) for row in lists()),
        ("upload of 5 GB, its storage", "", upload),
    ]


def test_the_page_has_the_costs() -> None:
    unbounded = default("ApiRateLimit") * DAY
    rows = []
    for name, chunks, price in each():
        bounded = UPLOADS_PER_HOUR * 24 if name.startswith("upload") else TASKS_PER_MINUTE * 60 * 24
        found = (name, chunks, dollars(price), dollars(price * bounded), dollars(price * unbounded))
        rows.append(re.sub(" +", " ", f"| {' | '.join(found)} |"))
    assert re.findall(r"^\| (?:single task|list of|upload of) .*$", PAGE, re.MULTILINE) == rows


def test_the_page_has_the_costs_of_handlers_and_of_reads() -> None:
    a_day = default("WorkerMemory") / 1024 * prices()["lambdaSecond"].of(DAY)
    read_all = prices()["readUnit"].of(READ_UNITS * default("ApiRateLimit") * DAY)
    for said in (default("QueueConcurrency") * a_day, 1000 * a_day, read_all):
        assert f"**{dollars(said)}** a day" in PAGE


def test_the_page_has_the_cost_of_large_results() -> None:
    assert f"**${prices()['put'].of(1_000_000):g}** a million" in PAGE
