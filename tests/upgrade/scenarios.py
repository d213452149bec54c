"""What happens to tasks, as :mod:`tests.upgrade.acts`. A scenario is data, and is kept with what came of it."""

from typing import Any

Act = list[Any]
RUN: Act = ["run"]
GOOD = {"return": "good"}
LARGE = {"return characters": 4200, "padding": "p" * 4200}


def single(order: Any, task_type: str = "cat", **options: Any) -> Act:
    """Create a single task."""
    return ["create", "TASK", task_type, order, options]


def fan_out(orders: list[Any], task_type: str = "cat", **options: Any) -> Act:
    """Create a Step Functions task."""
    return ["create", "SFN_TASK", task_type, orders, options]


def upload(text: str, written: str) -> Act:
    """Upload an input and create a Step Functions task of it."""
    return ["upload", "cat", text, written]


SCENARIOS: dict[str, tuple[dict[str, Any], list[Act]]] = {
    "single-completes": ({}, [single({"return": {"ключ": [1.5, None, True]}}), RUN]),
    "single-tells-every-status": (
        {"status_messages": "all", "event_bus_name": "bus"},
        [single({"fail until attempt": 2}), RUN],
    ),
    "single-large-payloads": ({}, [single(LARGE), RUN]),
    "single-large-checkpoint": ({}, [single({"save characters and fail": 4200}), RUN]),
    "single-several-invocations": ({}, [single({"walk": 5}, "walker"), RUN]),
    "single-fails-and-is-retried": (
        {"event_bus_name": "bus"},
        [single({"refuse until run": 1}), RUN, ["retry", 0], RUN],
    ),
    "single-worker-dies": ({}, [single({"die until attempt": 2}), RUN]),
    "single-every-worker-dies": ({}, [single({"die until attempt": 9}), RUN]),
    "single-cancelled-before-it-runs": ({}, [single(GOOD), ["cancel", 0], RUN, ["retry", 0], RUN]),
    "single-cancelled-while-it-runs": ({}, [single({"cancel in run": 0}), RUN, ["retry", 0], RUN]),
    "single-unknown-type": ({}, [single(GOOD, "dog"), RUN]),
    "single-idempotency-key": (
        {},
        [single(GOOD, key="k"), ["until", 0, "QUEUED"], single(GOOD, key="k"), RUN, single(GOOD, key="k")],
    ),
    "single-record-lost": ({}, [single(GOOD), ["lose", "record"], ["sweep until ended"]]),
    "single-message-lost": ({}, [single(GOOD), ["until", 0, "QUEUED"], ["lose", "message"], ["sweep until ended"]]),
    "single-messages-dead-lettered": (
        {},
        [["send", "not JSON"], ["send", '{"v":9,"action":"task-execute","run":0}'], single(GOOD), RUN],
    ),
    "fan-out-completes": ({}, [fan_out([GOOD, {"return": 2}, LARGE, GOOD, GOOD], key="f"), RUN]),
    "fan-out-inline": ({}, [fan_out([GOOD, {"return": {"a": [None, 1.5]}}, {"return": "c"}]), RUN]),
    "fan-out-empty": ({}, [fan_out([]), RUN]),
    "fan-out-of-json-lines": ({}, [upload('{"return": 1}\n{"return": 2}\n{"return": 3}\n', "jsonl"), RUN]),
    "fan-out-of-csv": ({}, [upload("return,name\n1,a\n2,b\n3,c\n", "csv"), RUN]),
    "fan-out-several-rounds": (
        {},
        [fan_out([{"fail until attempt": 3}, GOOD, {"fail until attempt": 2}, {"refuse until run": 9}], "herd"), RUN],
    ),
    "fan-out-worker-dies": ({}, [fan_out([GOOD, {"die until attempt": 2}, GOOD]), RUN]),
    "fan-out-fails-and-is-retried": (
        {"event_bus_name": "bus"},
        [fan_out([GOOD, {"refuse until run": 1}, {"refuse until run": 2}]), RUN, ["retry", 0], RUN, ["retry", 0], RUN],
    ),
    "fan-out-cancelled-while-it-runs": (
        {},
        [fan_out([GOOD, {"cancel in run": 0}, GOOD, GOOD]), RUN, ["retry", 0], RUN],
    ),
    "fan-out-cancelled-between-rounds": (
        {},
        [
            *(fan_out([{"fail until attempt": 2}, GOOD, GOOD], "herd"), ["at", "Wait"]),
            *(["cancel", 0], RUN, ["retry", 0], RUN),
        ],
    ),
    "fan-out-unknown-type": ({}, [fan_out([GOOD], "dog"), RUN]),
    "fan-out-record-lost": ({}, [fan_out([GOOD]), ["lose", "record"], ["sweep until ended"]]),
    "fan-out-execution-stopped": (
        {},
        [fan_out([GOOD]), ["until", 0, "STARTED"], ["lose", "execution"], ["sweep until ended"], ["retry", 0], RUN],
    ),
    "fan-out-chunks-cannot-start": (
        {},
        [fan_out([GOOD]), ["break", "chunk"], ["at", "Wait"], RUN, ["mend", "chunk"], ["retry", 0], RUN],
    ),
    "fan-out-plan-gives-up": ({}, [fan_out([GOOD]), ["break", "plan"], RUN, ["mend", "plan"], ["retry", 0], RUN]),
    "fan-out-objects-lost": ({}, [fan_out([LARGE]), ["lose", "objects"], RUN]),
    "ends-are-published-late": (
        {"event_bus_name": "bus"},
        [
            *(single({"refuse until run": 1}), fan_out([GOOD])),
            *(["down", "statuses"], ["down", "alarms"], ["down", "events"], RUN, ["sweep", 300]),
            *(["up", "statuses"], ["sweep", 3600], ["up", "alarms"], ["up", "events"], ["sweep", 3600]),
        ],
    ),
    "several-tasks": (
        {},
        [single(GOOD), fan_out([GOOD, GOOD, GOOD]), single({"fail until attempt": 2}), fan_out([GOOD]), RUN],
    ),
}
"""Settings of the stack, and acts."""
