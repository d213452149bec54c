"""The section ``cost`` of results.json: counts times list prices, beside the followed module."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from serverless_tasks.adapters.prices import prices

from benchmarks import cost, followed
from benchmarks.cost import Deployment, Terms, everything, per_million, requests
from benchmarks.counts import Counts
from tests.support.resources import memory

TARGET_PER_CHUNK = 60 / cost.MILLION
TARGET_PER_FAN_OUT = 200 / cost.MILLION
"""Dollars that the requests of a fan-out may cost."""
LONG_SECONDS = 10
FUNCTIONS = ("api", "relay", "queue", "plan", "chunk", "finish")


def section(
    single: Counts, lean: Counts, singles: Counts, rows: Sequence[Counts], played: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """``played``: rows of the load model of the followed module, by its calls and units."""
    where = deployment()
    return {
        "single": {
            "oneByOne": _rounded(per_million(cost.task_cost(single, where))),
            "lean": _rounded(per_million(cost.task_cost(lean, replace(where, fair_queue=False)))),
            "inBatches": _rounded(per_million(cost.task_cost(singles, where), singles.tasks)),
            "followed": _rounded(per_million(followed.single_cost(followed.SINGLE_WRITES))),
        },
        "fanOut": [_row(counts, where) for counts in rows],
        "followed": [_followed(row) for row in played],
    }


def deployment() -> Deployment:
    """The functions' memory by the template's defaults."""
    return Deployment({name: memory(f"{name.capitalize()}Function") for name in FUNCTIONS})


def _row(counts: Counts, where: Deployment) -> dict[str, Any]:
    terms = cost.task_cost(counts, where)
    target = TARGET_PER_FAN_OUT + TARGET_PER_CHUNK * counts.chunks
    of_each = max(counts.n, 1)
    return {
        "n": counts.n,
        "chunks": counts.chunks,
        "perMillionFanOuts": _rounded(per_million(terms)),
        "requests": round(requests(terms) * cost.MILLION, 3),
        "target": round(target * cost.MILLION, 3),
        "requestsPerMillionSubTasks": round(requests(terms) * cost.MILLION / of_each, 4),
        "everythingPerMillionSubTasks": round(everything(terms) * cost.MILLION / of_each, 4),
        "everythingOfLongHandlers": round((everything(terms) + _longer(counts, where)) * cost.MILLION / of_each, 4),
    }


def _longer(counts: Counts, where: Deployment) -> float:
    """Dollars more where each handler takes :data:`LONG_SECONDS`, its own function's time aside."""
    long, short = cost.lane_seconds(counts, where, LONG_SECONDS), cost.lane_seconds(counts, where)
    return prices()["expressSecond"].of(long - short)


def _followed(row: Mapping[str, Any]) -> dict[str, Any]:
    n, played = row["n"], row["original"]
    terms = followed.task_cost(n, played["writeUnits"], played["readUnits"])
    return {
        "n": n,
        "perMillionFanOuts": _rounded(per_million(terms)),
        "perMillionSubTasks": round(everything(terms) * cost.MILLION / n, 4),
    }


def _rounded(terms: Terms) -> Terms:
    return {name: round(dollars, 4) for name, dollars in terms.items()}
