"""Measures, prints tables, writes results.json and the numbers in docs/performance.md: ``python -m benchmarks``.

A million sub-tasks on the local cloud take minutes and a quiet machine; they have ``python -m benchmarks.million``.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks import counted, cpu, document, imports, priced, race, results, task_types
from benchmarks.console import say, show


def main() -> None:
    """Run the named parts, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; by default all")
    asked = parser.parse_args().parts or list(PARTS)
    if unknown := set(asked) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    for part in PARTS:
        if part in asked:
            PARTS[part]()
    document.update()
    say("Written: benchmarks/results.json, and its numbers in docs/performance.md")


def _engine() -> None:
    """The parts that need the local cloud or its build."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        fork = race.forked(Path(directory))
        say("deploying to a local cloud")
        with fork.running() as connection:
            _keep("race", race.race(connection, say))
        say("starting functions' processes")
        _keep("imports", imports.measured(fork.root / ".aws-sam" / "build"))


def _cpu() -> None:
    say("measuring processor time")
    _keep("cpu", cpu.measured())


def _counts() -> None:
    _keep("counts", found := counted.section(say))
    _keep("fits", counted.fits([counted.from_json(row) for row in found["alone"]]))


def _cost() -> None:
    """From the counts in results.json."""
    found = results.load()
    singles = [counted.from_json(found["counts"][name]) for name in ("single", "lean", "singles")]
    rows = [counted.from_json(row) for row in found["counts"]["default"]]
    _keep("cost", priced.section(*singles, rows, found["race"]["rows"]))


PARTS = {"cpu": _cpu, "counts": _counts, "engine": _engine, "cost": _cost}
"""In the order in which they run; ``cost`` only multiplies."""


def _keep(section: str, found: object) -> None:
    results.keep(section, found)
    show(section)


if __name__ == "__main__":
    assert task_types.tiny  # registered by its import, as in a function
    main()
