"""The followed module: its published, measured counts, and their cost at the same prices.

Measured on 22 November 2026 by running its own code (TypeScript, as it ships) on the same local engine; every count
equalled its formula exactly. Its state machine is an inline map of one state; it is read, not measured.
"""

from dataclasses import dataclass

from serverless_tasks.adapters.prices import prices

from benchmarks.cost import Terms

LARGEST = 476
"""Sub-tasks above which StartExecution refuses the input: the task ends FAILED with nothing run."""
ITEMS_PER_QUERY = 10
MEASURED_SECONDS = {10: 1.2, 100: 6.5, 480: 66.0}
"""Its own code on the local engine, map concurrency 10, until the parent is COMPLETED (480: without the limit)."""
NOT_PRICED = "its queue requests, stream, function time and logs are not in its published counts and not priced"


@dataclass(frozen=True)
class Published:
    """Counts of a task with so many sub-tasks."""

    n: int

    @property
    def writes(self) -> int:
        """To the table."""
        return 5 * self.n + 4

    @property
    def queries(self) -> int:
        """Each of the 2N status messages of sub-tasks reads all of them, ten at a time."""
        return 2 * self.n * (self.n // ITEMS_PER_QUERY + 1)

    @property
    def publishes(self) -> int:
        """Notifications."""
        return 4 * self.n + 4

    @property
    def invocations(self) -> int:
        """Of its one function."""
        return 6 * self.n + 5

    @property
    def transitions(self) -> int:
        """Into the map, through each iteration and out: counted like this module's."""
        return self.n + 2


SINGLE_WRITES, SINGLE_PUBLISHES, SINGLE_INVOCATIONS = 4, 4, 5
"""Published counts of a single task."""


def single_cost(write_units: int) -> Terms:
    """Of one single task, by the units that its writes take in the load model."""
    of = prices()
    return {
        "table writes": of["writeUnit"].of(write_units),
        "Lambda requests": of["lambdaRequest"].of(SINGLE_INVOCATIONS),
        "notifications": of["publish"].of(SINGLE_PUBLISHES),
    }


def task_cost(n: int, write_units: int, read_units: float) -> Terms:
    """Of one task, by the units that its writes and reads take in the load model."""
    of, published = prices(), Published(n)
    return {
        "table writes": of["writeUnit"].of(write_units),
        "table reads": of["readUnit"].of(read_units),
        "state transitions": of["transition"].of(published.transitions),
        "Lambda requests": of["lambdaRequest"].of(published.invocations),
        "notifications": of["publish"].of(published.publishes),
    }
