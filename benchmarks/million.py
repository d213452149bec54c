"""A million sub-tasks in one task on the local cloud: time per sub-task and memory of every process, beside 100,000."""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from serverless_tasks import TaskKey, TaskKind, TaskService
from serverless_tasks.adapters.clock import utc_now

from benchmarks import document, processes, results
from benchmarks.console import say, show
from benchmarks.race import CONCURRENCY, cloud_of, forked, wait
from benchmarks.uploaded import TENANT, create
from local import deployment, settings
from local.cloud import Connection
from tests.support.fork import Fork

SIZES = (100_000, 1_000_000)
PATIENCE_SECONDS = 3600
TASK_TYPE = "summed"
"""The one with a fan-in, which reads every outcome."""
WARM_UP = 5 * CONCURRENCY


def main() -> None:
    """Run it, show it, keep it in results.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, help="numbers of sub-tasks")
    found = measured(tuple(parser.parse_args().sizes))
    results.keep("million", found)
    show("million")
    document.update()


def measured(sizes: tuple[int, ...]) -> dict[str, Any]:
    """One task of each size, one after the other, in a local cloud of its own."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as directory:
        fork = forked(Path(directory))
        with fork.running() as connection:
            service = TaskService(cloud_of(connection), utc_now)
            _run(connection, service, WARM_UP)
            rows = []
            for size in sizes:
                say(f"one task of {size:,} sub-tasks on the local cloud")
                rows.append(_row(fork, connection, service, size))
    return {
        "concurrency": CONCURRENCY,
        "rows": rows,
        "perSubTaskRatio": _ratio(rows, "microsecondsPerSubTask"),
        "processorRatio": _ratio(rows, "processorMicrosecondsPerSubTask"),
    }


def _ratio(rows: list[dict[str, Any]], name: str) -> float:
    ratio: float = rows[-1][name] / rows[0][name]
    return round(ratio, 2)


def _row(fork: Fork, connection: Connection, service: TaskService, size: int) -> dict[str, Any]:
    server = int((fork.root / ".local" / "server.pid").read_text(encoding="utf-8"))
    with processes.watched(server) as use:
        reached = _run(connection, service, size)
    names = deployment.resources(connection.client, settings.read().stack_name)
    logical = {physical: name for name, (_, physical) in names.items()}
    return {
        "n": size,
        "seconds": reached,
        "microsecondsPerSubTask": round(reached["COMPLETED"] / size * 1e6, 1),
        "processorMicrosecondsPerSubTask": round(sum(use.processor_seconds.values()) / size * 1e6, 1),
        "peakMegabytes": {logical.get(label, label): round(use.megabytes[label]) for label in sorted(use.megabytes)},
        "loadAverage": round(os.getloadavg()[1], 1),
    }


def _run(connection: Connection, service: TaskService, size: int) -> dict[str, float]:
    task = create(cloud_of(connection), utc_now, TASK_TYPE, size)
    key = TaskKey.of(TaskKind.SFN_TASK, TENANT, TASK_TYPE, task.code)
    reached = wait(service, key, PATIENCE_SECONDS)
    ended = service.get_task(key)
    if ended is None or ended.result["fed"] != size:
        raise AssertionError(f"{key} did not feed {size}: {ended}")
    return reached


if __name__ == "__main__":
    main()
