"""From a task's counts to its cost at list price, term by term.

Requests and units are counted. The functions' time on AWS cannot be measured here: it is estimated from the counted
calls by the assumptions below, and always named so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from serverless_tasks.adapters.prices import prices
from serverless_tasks.core.usage.amounts import LANE_STEP_MILLISECONDS

from benchmarks.counts import Counts
from benchmarks.logs import platform_bytes

MILLION = 1_000_000
LATENCY_MS = {"dynamodb": 5.0, "s3": 25.0, "sqs": 8.0, "sns": 15.0, "stepfunctions": 25.0}
"""Assumed, of one call inside the region; AWS promises "single-digit millisecond" for DynamoDB and nothing else."""
CALL_CPU_MS = 0.8
"""Assumed processor time of one call in boto3, at one full vCPU; measured here: ``cpu.callMicroseconds``."""
INVOCATION_CPU_MS = 1.0
"""Assumed processor time of one invocation beside its calls."""
SUB_TASK_CPU_MS = 0.04
"""Assumed processor time of the framework for one sub-task; measured here: ``cpu.subTaskMicroseconds``."""
FULL_CPU_MB = 1769
"""Memory at which a function has one vCPU (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html)."""
RELAY_THREADS = 8
"""Tasks for which the relay waits at once (``THREADS`` in functions/relay/app.py)."""
FAN_OUT_CONCURRENCY = 20
"""Chunks at once, by the template's default."""
LANE_STATES, LANE_STATE_MS = 7, 10.0
"""States of a lane beside those of its map, and the time that each is assumed to take beside its function."""
SINGLE_TARGET, SINGLE_TARGET_WITH_OUTSIDE = 7.0, 10.0
"""Dollars that a million single tasks of at most 1 KB may cost without and with API and topic."""
SINGLE_TARGET_LEAN = 6.6
"""The same, one by one, without fair queue and status messages, which are then neither counted nor paid."""

Terms = dict[str, float]
"""Dollars by purpose."""

ESTIMATED = "Lambda time, estimated"
EXPRESS_ESTIMATED = "Express time, estimated"
LOGS = "logs"
REQUESTS = (
    "table writes",
    "index writes",
    "table reads",
    "bucket writes",
    "bucket reads",
    "queue requests",
    "fair queue, at most",
    "state transitions",
    "Express requests",
    "Lambda requests",
)
"""Terms that are counted, without the API and the topic."""
API_ESTIMATED = "API function, time estimated and logs"
OUTSIDE = ("topic", "HTTP API", "API function")
"""Terms that a deployment may leave out: it creates tasks from code, and has no subscriber."""


@dataclass(frozen=True)
class Deployment:
    """Settings of the functions in the template."""

    memory: Mapping[str, int]
    """Megabytes by function."""
    fair_queue: bool = True
    """Whether messages name a group."""


def task_cost(counts: Counts, deployment: Deployment) -> Terms:
    """Every term of the counts, API requests and messages at the end included."""
    of = prices()
    inside = {name: number for name, number in counts.invocations.items() if name != "api"}
    requests = counts.invocations["api"]
    queue_requests = counts.sends + 2 * counts.messages + counts.visibility_changes  # Lambda receives and deletes each
    return {
        "table writes": of["writeUnit"].of(counts.write_units),
        "index writes": of["writeUnit"].of(counts.index_write_units),
        "table reads": of["readUnit"].of(counts.read_units),
        "bucket writes": of["put"].of(counts.puts),
        "bucket reads": of["get"].of(counts.gets),
        "queue requests": of["queueRequest"].of(queue_requests),
        "fair queue, at most": of["fairQueueRequest"].of(queue_requests if deployment.fair_queue else 0),
        "state transitions": of["transition"].of(counts.transitions),
        "Express requests": of["expressRequest"].of(counts.express_requests),
        EXPRESS_ESTIMATED: of["expressSecond"].of(lane_seconds(counts, deployment)),
        "Lambda requests": of["lambdaRequest"].of(sum(inside.values())),
        ESTIMATED: sum(_time_cost(counts, name, number, deployment) for name, number in inside.items()),
        LOGS: sum(_log_cost(counts, name, number) for name, number in inside.items()),
        "topic": of["publish"].of(counts.publishes),
        "HTTP API": of["httpRequest"].of(requests),
        "API function": of["lambdaRequest"].of(requests),
        API_ESTIMATED: _time_cost(counts, "api", requests, deployment) + _log_cost(counts, "api", requests),
    }


def lane_seconds(counts: Counts, deployment: Deployment, handler: float = 0.0) -> float:
    """What a lane is billed for: plan, the chunks in waves, finish. ``handler``: seconds that each sub-task takes."""
    if not counts.express_requests:
        return 0.0
    waves = -(-counts.chunks // FAN_OUT_CONCURRENCY)
    of_each = {name: _milliseconds(counts, name, 1, deployment) for name in ("plan", "finish")}
    states = LANE_STATE_MS * (LANE_STATES + 2 * waves)
    total = sum(of_each.values()) + states
    if counts.chunks:
        size = -(-counts.n // counts.chunks)
        total += waves * (
            _milliseconds(counts, "chunk", counts.chunks, deployment) / counts.chunks + size * handler * 1000
        )
    return -(-total // LANE_STEP_MILLISECONDS) * LANE_STEP_MILLISECONDS / 1000


def _time_cost(counts: Counts, function: str, invocations: float, deployment: Deployment) -> float:
    megabytes = deployment.memory[function]
    milliseconds = _milliseconds(counts, function, invocations, deployment)
    return prices()["lambdaSecond"].of(milliseconds / 1000 * megabytes / 1024)


def _milliseconds(counts: Counts, function: str, invocations: float, deployment: Deployment) -> float:
    """Calls take their latency; processor time grows as the function's memory shrinks."""
    calls = counts.calls.get(function, {})
    waiting = sum(
        number * LATENCY_MS[service] / (_at_once(number / invocations) if (function, service) in _IN_THREADS else 1)
        for service, number in calls.items()
    )
    working = sum(calls.values()) * CALL_CPU_MS + invocations * INVOCATION_CPU_MS
    if function == "chunk":
        working += counts.n * SUB_TASK_CPU_MS
    return waiting + working / min(1.0, deployment.memory[function] / FULL_CPU_MB)


_IN_THREADS = {("relay", "dynamodb"), ("relay", "stepfunctions")}
"""Services that a function waits for several times at once."""


def _at_once(calls: float) -> float:
    return min(RELAY_THREADS, max(1.0, calls))


def _log_cost(counts: Counts, function: str, invocations: float) -> float:
    return prices()["logByte"].of(counts.log_bytes.get(function, 0) + platform_bytes() * invocations)


def requests(terms: Terms) -> float:
    """Counted terms without API and topic, as in the targets."""
    return sum(terms[name] for name in REQUESTS)


def requests_with_outside(terms: Terms) -> float:
    """Counted terms with both."""
    return requests(terms) + sum(terms[name] for name in OUTSIDE)


def inside(terms: Terms) -> float:
    """All terms without API and topic: the functions' time and logs, too."""
    return requests(terms) + terms[ESTIMATED] + terms[EXPRESS_ESTIMATED] + terms[LOGS]


def everything(terms: Terms) -> float:
    """All terms."""
    return sum(terms.values())


def per_million(terms: Terms, of_each: float = 1) -> Terms:
    """The terms for a million tasks, or for a million parts if each task has ``of_each`` parts."""
    return {name: dollars * MILLION / of_each for name, dollars in terms.items()}
