"""`make demo`: start the local cloud, give it real work through its HTTP API, print the results, stop it."""

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import date

from rich.console import Console

from demo import places, show
from demo.api import ApiError, TaskApi
from demo.progress import DemoError, Phases, follow
from local.cloud import LocalCloud
from local.errors import LocalCloudError

TASK_TYPE = "daylight"
SOLSTICE = date(2026, 6, 21)
SINGLE = "DEN"
"""The airport of the single task."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; 0 if everything in it succeeded."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument(
        "--date", type=date.fromisoformat, default=SOLSTICE, metavar="YYYY-MM-DD", help="day to compute (%(default)s)"
    )
    parser.add_argument(
        "--limit", type=float, default=300, metavar="SECONDS", help="time limit of the tasks (%(default)s)"
    )
    options = parser.parse_args(arguments)

    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # leaves through the context managers
    try:
        with Phases(console) as phase:
            phase("Starting the local cloud")
            with LocalCloud(say=phase) as cloud:
                phase.end()
                user = cloud.stack["users"][0]
                run(console, TaskApi(cloud.stack["apiUrl"], user["token"]), options.date, options.limit)
                phase("Stopping the local cloud")
            phase.end()
    except (ApiError, DemoError, LocalCloudError) as problem:
        console.print(f"The demonstration failed: {problem}", style="red", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 128 + signal.SIGINT
    return 0


def run(console: Console, api: TaskApi, day: date, limit: float) -> None:
    """Create a task of each kind, follow them to their end, print the results."""
    rows = places.read(day.isoformat())
    one = next(row for row in rows if row["code"] == SINGLE)
    created = [
        api.create_step_function_task(TASK_TYPE, f"{len(rows):,} airports", rows),
        api.create_task(TASK_TYPE, f"Airport {SINGLE}", one),
    ]
    console.print()
    fan_out, single = ended = follow(api, created, console, limit)
    for task in ended:
        if task["status"] != "COMPLETED":
            error = task["attributes"].get("error", {})
            raise DemoError(f"{task['name']} is {task['status']}: {error.get('message', 'no reason given')}")
    show.single_task(console, single)
    show.summary(console, fan_out)
    show.sub_tasks(console, api.list_sub_tasks(fan_out, limit=3))
    show.history(console, ended)


if __name__ == "__main__":
    sys.exit(main())
