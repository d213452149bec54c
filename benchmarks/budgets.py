"""Budgets of the happy path, as docs/performance.md shows them. C is the number of chunks."""

from collections.abc import Callable

from benchmarks.counts import Counts

Budget = Callable[[Counts], float]

SINGLE: dict[str, tuple[Budget, float]] = {
    "table writes": (lambda c: c.writes, 4),
    "write units, indexes included": (lambda c: c.write_units + c.index_write_units, 7),
    "table reads": (lambda c: c.reads, 1),
    "queue messages": (lambda c: c.messages, 1),
    "visibility changes": (lambda c: c.visibility_changes, 1),
    "state transitions": (lambda c: c.transitions, 0),
    "worker invocations": (lambda c: c.worker_invocations, 1),
}
"""For a single task of at most 1 KB: the count, and its limit."""

FAN_OUT: dict[str, tuple[Budget, float, float]] = {
    "table writes": (lambda c: c.writes, 5, 4),
    "table reads": (lambda c: c.reads, 6, 2),
    "queue messages": (lambda c: c.messages, 0, 0),
    "state transitions": (lambda c: c.transitions, 9, 2),
    "worker invocations": (lambda c: c.worker_invocations, 3, 1),
    "bytes through the state machine": (lambda c: c.state_bytes, 1500, 320),
}
"""For a Step Functions task: the count, and its limit, in all and for each chunk."""


def broken(counts: Counts) -> list[str]:
    """Counts over budget; without a plan, the task is a single one."""
    if "plan" not in counts.invocations:
        rows = [(name, count(counts) / counts.tasks, most) for name, (count, most) in SINGLE.items()]
    else:
        rows = [(name, count(counts), a + b * counts.chunks) for name, (count, a, b) in FAN_OUT.items()]
    return [f"{name}: {found:g}, budget {most:g}" for name, found, most in rows if found > most]
