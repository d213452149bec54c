"""Tables of results.json, for the console and for docs/performance.md alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import budgets, cost, counted, followed
from benchmarks.results import Results

NONE = "-"
"""The text of an empty cell."""


@dataclass(frozen=True)
class Table:
    """Texts in rows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """In GitHub's format: the first column to the left, numbers to the right."""
        line = " | ".join(["---", *["---:"] * (len(self.head) - 1)])
        body = [" | ".join(row) for row in self.rows]
        return "".join(f"| {row} |\n" for row in (" | ".join(self.head), line, *body))


def counts_table(results: Results) -> Table:
    """Counts of a task."""
    found = results["counts"]
    singles = found["singles"]
    named = [("single task", found["single"]), ("single task, lean", found["lean"])]
    named += [(f"{singles['tasks']} single tasks at once", singles)]
    named += [(f"N = {row['n']:,}", row) for row in found["default"]]
    return Table(
        "What a task takes, default chunk size",
        ("", "chunks", "AWS calls", "writes", "write units", "reads", "read units", "S3 puts / gets", "transitions",
         "worker / relay invocations", "state machine bytes"),
        [
            (
                name,
                f"{row['chunks']:,}",
                f"{_calls(row):,}",
                f"{row['writes']:,}",
                f"{row['writeUnits'] + row['indexWriteUnits']:,}",
                f"{row['reads']:,}",
                f"{row['readUnits']:,.0f}",
                f"{row['puts']:,} / {row['gets']:,}",
                f"{row['transitions']:,}",
                f"{counted.from_json(row).worker_invocations:,} / {row['invocations']['relay']}",
                f"{row['stateBytes']:,}",
            )
            for name, row in named
        ],
    )  # fmt: skip


def _calls(row: Mapping[str, Any]) -> int:
    return sum(sum(made.values()) for made in row["calls"].values())


def budgets_table(results: Results) -> Table:
    """The budgets, and the counts."""
    single = counted.from_json(results["counts"]["single"])
    rows = [counted.from_json(row) for name in ("default", "alone") for row in results["counts"][name]]
    lines = []
    for name, (count, most) in budgets.SINGLE.items():
        lines.append((f"single task: {name}", f"{most:g}", f"{count(single):g}", _verdict(count(single) <= most)))
    for name, (of, fixed, each) in budgets.FAN_OUT.items():
        fullest = max(rows, key=lambda row: of(row) / max(1, fixed + each * row.chunks))
        held = all(of(row) <= fixed + each * row.chunks for row in rows)
        budget = f"{fixed:,g} + {each:g}·C" if each else f"{fixed:g}"
        found = f"{of(fullest):,g} of {fixed + each * fullest.chunks:,g} (C = {fullest.chunks})"
        lines.append((f"fan-out: {name}", budget, found, _verdict(held)))
    return Table("Budgets of the design", ("", "budget", "counted, where it is fullest", ""), lines)


def _verdict(held: bool) -> str:
    return "holds" if held else "**broken**"


def fits_table(results: Results) -> Table:
    """Whether anything grows faster than N."""
    return Table(
        "Least squares over N = 1 … 1,000 in chunks of one",
        ("", "constant", "per sub-task", "per N²", "share of N² at N = 1,000"),
        [
            (name, f"{f['constant']:.1f}", f"{f['linear']:.2f}", f"{f['quadratic']:.6f}", f"{f['quadraticShare']:.1%}")
            for name, f in results["fits"].items()
        ],
    )


def single_cost_table(results: Results) -> Table:
    """Dollars per million single tasks."""
    found = results["cost"]["single"]
    ours, theirs = [found[name] for name in ("oneByOne", "lean", "inBatches")], found["followed"]
    names = [name for name in ours[0] if ours[0][name]] + ["notifications"]
    rows = [(name, *(_dollars(of.get(name, 0)) for of in (*ours, theirs))) for name in names]
    for name, of_terms, targets in (
        ("requests, without API and topic", cost.requests, (cost.SINGLE_TARGET, cost.SINGLE_TARGET_LEAN)),
        ("all of it, without API and topic", cost.inside, (cost.SINGLE_TARGET,) * 2),
        ("requests, with both", cost.requests_with_outside, (cost.SINGLE_TARGET_WITH_OUTSIDE,) * 2),
    ):
        sums = [of_terms(terms) for terms in ours]
        rows.append((f"**{name}**", *(f"**{_dollars(s)}**" for s in sums), ""))
        rows.append(_target_row(*targets, sums))
    totals = [cost.everything(of) for of in (*ours, theirs)]
    rows.append(("**everything above**", *(f"**{_dollars(total)}**" for total in totals)))
    rows.append(_target_row(*(cost.SINGLE_TARGET_WITH_OUTSIDE,) * 2, totals[:-1]))
    head = ("one by one", "one by one, lean", "relay in batches of 25", "followed module, at least")
    return Table("Single tasks", ("dollars per million single tasks", *head), rows)


def _target_row(target: float, lean: float, sums: Sequence[float]) -> tuple[str, ...]:
    """``lean``: the target of the second column."""
    said = f"target: at most {target:.2f}" + (f", lean {lean:.2f}" if lean != target else "")
    verdicts = (
        "holds" if sum_ <= most else "**over**" for sum_, most in zip(sums, (target, lean, target), strict=True)
    )
    return (said, *verdicts, "")


def fan_out_cost_table(results: Results) -> Table:
    """Dollars per million sub-tasks, term by term."""
    rows = [row for row in results["cost"]["fanOut"] if row["n"]]
    names = [name for name in rows[0]["perMillionFanOuts"] if any(row["perMillionFanOuts"][name] for row in rows)]
    lines = [(name, *(_dollars(row["perMillionFanOuts"][name] / row["n"]) for row in rows)) for name in names]
    lines.append(("**requests**", *(f"**{_dollars(row['requestsPerMillionSubTasks'])}**" for row in rows)))
    lines.append(("**everything**", *(f"**{_dollars(row['everythingPerMillionSubTasks'])}**" for row in rows)))
    long = (f"**{_dollars(row['everythingOfLongHandlers'])}**" for row in rows)
    lines.append(("**everything, handlers of 10 s, their own time aside**", *long))
    theirs = {row["n"]: row["perMillionSubTasks"] for row in results["cost"]["followed"]}
    stops = [_dollars(theirs[row["n"]]) if row["n"] in theirs else _stopped(row["n"]) for row in rows]
    lines.append(("followed module, at least", *stops))
    return Table("Fan-outs", ("dollars per million sub-tasks", *(f"N = {row['n']:,}" for row in rows)), lines)


def _stopped(n: int) -> str:
    return "impossible" if n > followed.LARGEST else NONE


def followed_cost_table(results: Results) -> Table:
    """The same of the followed module."""
    rows = results["cost"]["followed"]
    lines = [
        (name, *(_dollars(row["perMillionFanOuts"][name] / row["n"]) for row in rows))
        for name in rows[0]["perMillionFanOuts"]
    ]
    lines.append(("**all of these**", *(f"**{_dollars(row['perMillionSubTasks'])}**" for row in rows)))
    head = ("dollars per million sub-tasks, followed module", *(f"N = {row['n']:,}" for row in rows))
    return Table("The followed module", head, lines)


def targets_table(results: Results) -> Table:
    """Requests of a fan-out against $60 per million chunks and $200 per million fan-outs."""
    rows = [
        (f"N = {r['n']:,}", f"{r['chunks']:,}", _dollars(r["requests"]), _dollars(r["target"]),
         _verdict(r["requests"] <= r["target"]))
        for r in results["cost"]["fanOut"]
    ]  # fmt: skip
    return Table("Targets", ("dollars per million fan-outs", "chunks", "requests", "target", ""), rows)


def _dollars(amount: float) -> str:
    if amount == 0:
        return NONE
    return f"{amount:,.2f}" if amount >= 0.1 else f"{amount:.4f}"


def race_table(results: Results) -> Table:
    """The same fan-out on the same engine."""
    own = {row["n"]: _calls(row) for row in results["counts"]["default"]}
    rows = []
    for row in results["race"]["rows"]:
        n, theirs = row["n"], row["original"]
        rows.append(
            (
                f"N = {n}",
                f"{own[n]:,}",
                f"{theirs['calls']:,}",
                f"{theirs['calls'] / own[n]:.1f}",
                f"{row['seconds']:.1f} s",
                f"{theirs['seconds']:.1f} s",
                f"{row['timesFaster']:.1f}",
            )
        )
    head = ("", "calls", "calls, load model", "ratio", "seconds", "seconds, load model", "ratio")
    return Table("This stack and the followed module's calls on one local engine", head, rows)


def cpu_table(results: Results) -> Table:
    """The framework's own processor time."""
    cpu = results["cpu"]
    rows = [
        ("one sub-task inside a chunk, no AWS", f"{cpu['subTaskMicroseconds']:.0f} µs", "≤ 50 µs"),
        ("one single task in the queue worker, calls aside", f"{cpu['singleTaskMicroseconds']:.0f} µs", "≤ 1,000 µs"),
        ("for comparison: boto3, one GetItem", f"{cpu['callMicroseconds']:.0f} µs", ""),
    ]
    return Table("Processor time", ("", "measured", "aim"), rows)


def imports_table(results: Results) -> Table:
    """Starting a function against a bare process with boto3's client of DynamoDB."""
    rows = [(f"`{n}`", f"{r['import']:.2f}", f"{r['withClients']:.2f}") for n, r in results["imports"].items()]
    return Table("Start of a process", ("as a ratio", "import", "import, and its clients made"), rows)


def million_table(results: Results) -> Table:
    """A million sub-tasks on the local cloud."""
    rows = results["million"]["rows"]
    lines = [
        ("planned after", *(f"{row['seconds']['PROCESSING']:.1f} s" for row in rows)),
        ("all sub-tasks ended after", *(f"{row['seconds']['FINISHED']:.1f} s" for row in rows)),
        ("fan-in done, COMPLETED after", *(f"{row['seconds']['COMPLETED']:.1f} s" for row in rows)),
        ("microseconds per sub-task", *(f"{row['microsecondsPerSubTask']:.0f}" for row in rows)),
        (
            "processor microseconds per sub-task, engine included",
            *(f"{row['processorMicrosecondsPerSubTask']:.0f}" for row in rows),
        ),
        ("load of the machine (two cores), all that ran on it", *(f"{row['loadAverage']:.1f}" for row in rows)),
    ]
    for name in sorted({name for row in rows for name in row["peakMegabytes"]}):
        lines.append(
            (
                f"peak memory, {name}",
                *(f"{row['peakMegabytes'][name]:,} MB" if name in row["peakMegabytes"] else NONE for row in rows),
            )
        )
    return Table("One task on the local cloud", ("", *(f"N = {row['n']:,}" for row in rows)), lines)


TABLES: dict[str, Callable[[Results], Table]] = {
    "counts": counts_table,
    "budgets": budgets_table,
    "fits": fits_table,
    "single-cost": single_cost_table,
    "fan-out-cost": fan_out_cost_table,
    "followed-cost": followed_cost_table,
    "targets": targets_table,
    "race": race_table,
    "cpu": cpu_table,
    "imports": imports_table,
    "million": million_table,
}
"""By their names in docs/performance.md."""

OF_SECTION = {
    "counts": ("counts", "budgets"),
    "fits": ("fits",),
    "cost": ("single-cost", "fan-out-cost", "followed-cost", "targets"),
    "race": ("race",),
    "cpu": ("cpu",),
    "imports": ("imports",),
    "million": ("million",),
}
"""Tables of each section."""
