"""Watching a task to its end, and reporting it. The exit code tells a script the outcome."""

from itertools import islice
from typing import Any

from tasks_cli import bar, output, page, tables, watching
from tasks_cli.api import Ref
from tasks_cli.command import Run
from tasks_cli.errors import CliError, Exit

SHOWN = 5
"""Failed sub-tasks to name."""

Json = dict[str, Any]


def watch(run: Run, task: Json, *, whole: bool = False) -> int:
    """Follow the task to its end, and tell how it ended.

    For programs: a line of JSON at each change, or with ``whole`` one document at the end.
    """
    hint = f"tasks watch {Ref.of(task)}{run.same_place()}"
    try:
        with bar.shown(run.err, task) as view:

            def see(now: Json) -> None:
                view(now)
                if run.json and not whole:
                    output.print_json_line(now)

            ended = watching.follow(run.api, task, see)
    except KeyboardInterrupt:
        run.say(f"\nNo longer watching; the task goes on. To watch it again:\n  {hint}")
        return Exit.INTERRUPTED
    except CliError:
        run.say(f"No longer watching; the task may still be running. To watch it again:\n  {hint}")
        raise
    if run.json and whole:
        output.print_json(ended)
    return tell(run, ended)


def tell(run: Run, ended: Json) -> int:
    """Say how a task ended; return the exit code."""
    if ended["status"] == "COMPLETED":
        if not run.json:
            page.ended(run.out, ended)
        return Exit.DONE
    ref = Ref.of(ended)
    run.err.print(output.status(ended["status"]), output.text(f"{ref} {tables.came_of(ended)}"), soft_wrap=True)
    failed = ended["attributes"].get("subTaskFailedCount", 0)
    if failed:
        for item in islice(run.api.sub_tasks(ref, "FAILED", page=SHOWN), SHOWN):
            run.say(f"  #{item['index']}, attempt {item['attempt']}: {tables.came_of(item)}")
        if failed > SHOWN:
            run.say(f"  … {failed - SHOWN:,} more: tasks sub-tasks {ref} --status FAILED{run.same_place()}")
    return Exit.ENDED_BADLY
