"""What one user can cost at most, as docs/security.md says: counted tasks, list prices, and the template's defaults."""

import re

from serverless_tasks.adapters.prices import prices

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


def each() -> dict[str, float]:
    """Dollars of one creation, with everything but the handlers' time."""
    costs = load()["cost"]
    fan_outs = {row["n"]: sum(row["perMillionFanOuts"].values()) / 1e6 for row in costs["fanOut"]}
    return {
        "single task": sum(costs["single"]["oneByOne"].values()) / 1e6,
        "list of 40": fan_outs[40],
        "list of 1,000": fan_outs[1000],
        "list of 1,000,000": fan_outs[1_000_000],
        "upload of 5 GB": UPLOAD_GB * STORED * default("PayloadDays") / 30,
    }


def test_the_page_has_the_costs() -> None:
    unbounded = default("ApiRateLimit") * DAY
    rows = []
    for name, price in each().items():
        bounded = UPLOADS_PER_HOUR * 24 if name.startswith("upload") else TASKS_PER_MINUTE * 60 * 24
        rows.append(f"| {name} | {dollars(price)} | {dollars(price * bounded)} | {dollars(price * unbounded)} |")
    found = re.findall(r"^\| (?:single task|list of|upload of) .*$", PAGE, re.MULTILINE)
    assert found == rows


def test_the_page_has_the_costs_of_handlers_and_of_reads() -> None:
    a_day = default("WorkerMemory") / 1024 * prices()["lambdaSecond"].of(DAY)
    read_all = prices()["readUnit"].of(READ_UNITS * default("ApiRateLimit") * DAY)
    for said in (default("QueueConcurrency") * a_day, 1000 * a_day, read_all):
        assert f"**{dollars(said)}** a day" in PAGE
