"""The sections ``counts`` and ``fits`` of results.json."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from serverless_tasks.core.task.entity import to_camel

from benchmarks import budgets, counts
from benchmarks.counts import Counts
from benchmarks.fit import fit
from tests.support.resources import properties

SIZES = (0, 1, 10, 40, 100, 480, 1_000, 10_000, 100_000, 1_000_000)
"""Sub-tasks at the default chunk size; 480 is where the followed module ends."""
ALONE_SIZES = (50, 70, 100, 150, 300, 600, 1_000)
"""Sub-tasks in chunks of one: a chunk, an item and a child execution for each. Their input is in the bucket from the
first, and they are too many for an inline map, so that no line has a step."""
SINGLES = int(properties("RelayFunction")["Events"]["StatusChanges"]["Properties"]["BatchSize"])
"""Single tasks at once: as many as fill the relay's batch."""
FITTED: dict[str, Callable[[Counts], float]] = {
    "AWS calls": lambda c: sum(sum(made.values()) for made in c.calls.values()),
    "write units": lambda c: c.write_units + c.index_write_units,
    "read units": lambda c: c.read_units,
    "state transitions": lambda c: c.transitions,
    "invocations": lambda c: sum(c.invocations.values()),
    "bytes through the state machine": lambda c: c.state_bytes,
}


def section(say: Callable[[str], None]) -> dict[str, Any]:
    """Count everything."""
    default, alone = [], []
    for size in SIZES:
        say(f"counting a task of {size:,} sub-tasks")
        default.append(to_json(counts.fan_out(size)))
    for size in ALONE_SIZES:
        say(f"counting a task of {size:,} sub-tasks in chunks of one")
        alone.append(to_json(counts.fan_out(size, "alone", uploaded=True)))
    return {**singles(), "default": default, "alone": alone}


def singles() -> dict[str, Any]:
    """Count single tasks: one, one in a lean stack, and as many at once as fill the relay's batch."""
    found = {"single": counts.single(), "lean": counts.single(**counts.LEAN), "singles": counts.singles(SINGLES)}
    return {name: to_json(row) for name, row in found.items()}


def to_json(row: Counts) -> dict[str, Any]:
    """The row with camelCase names, and its counts over budget."""
    return {to_camel(name): value for name, value in asdict(row).items()} | {"overBudget": budgets.broken(row)}


def from_json(row: Mapping[str, Any]) -> Counts:
    """The row of such JSON."""
    known = {field.name: to_camel(field.name) for field in fields(Counts)}
    return Counts(**{name: row[given] for name, given in known.items() if given in row})


def fits(alone: Sequence[Counts]) -> dict[str, dict[str, float]]:
    """Least squares with 1, N and N² over the runs in chunks of one, the worst case."""
    largest = max(row.n for row in alone)
    found = {}
    for name, count in FITTED.items():
        curve = fit([(row.n, count(row)) for row in alone])
        found[name] = {
            "constant": round(curve.constant, 2),
            "linear": round(curve.linear, 3),
            "quadratic": round(curve.quadratic, 6) + 0.0,  # and no negative zero
            "quadraticShare": round(curve.quadratic_share(largest), 4),
        }
    return found
