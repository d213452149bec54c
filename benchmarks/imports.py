"""Processor time of starting each function: its artifacts imported as Lambda does, against a process with boto3."""

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.resources import TEMPLATE, properties

ROUNDS = 9
SERVICES = {
    "ApiFunction": ("dynamodb",),
    "RelayFunction": ("dynamodb", "sqs", "stepfunctions", "sns"),
    "QueueFunction": ("dynamodb", "sqs"),
    "PlanFunction": ("dynamodb",),
    "ChunkFunction": ("dynamodb",),
    "FinishFunction": ("dynamodb",),
    "SweeperFunction": ("dynamodb",),
}
"""Clients that each function makes on the happy path of tasks of at most 4 KB."""

_BARE = "import boto3; boto3.client('dynamodb')"
_WITH_CLIENTS = """
from serverless_tasks.adapters.cloud import make_client
for service in {services!r}: make_client(service)
"""


def measured(build: Path) -> dict[str, Any]:
    """Medians of the ratios to a bare process of the same round, by function; ``build`` is what `sam build` wrote."""
    sources = {"bare": _BARE}
    for name, services in SERVICES.items():
        module = properties(name)["Handler"].partition(".")[0]
        sources[name] = f"import {module}"
        sources[f"{name} with clients"] = f"import {module}" + _WITH_CLIENTS.format(services=services)
    rounds = [_round(build, sources) for _ in range(ROUNDS)]
    ratios = {n: round(statistics.median(r[n] / r["bare"] for r in rounds), 2) for n in sources if n != "bare"}
    return {name: {"import": ratios[name], "withClients": ratios[f"{name} with clients"]} for name in SERVICES}


def _round(build: Path, sources: Mapping[str, str]) -> dict[str, float]:
    return {name: _seconds(build, name.partition(" ")[0], code) for name, code in sources.items()}


def _seconds(build: Path, function: str, code: str) -> float:
    """Processor time of a process from its start to the end of this code."""
    path = [] if function == "bare" else _path(build, function)
    begin = f"import sys; sys.path[:0] = {[str(directory) for directory in path]!r}"
    end = "import resource as r; t = r.getrusage(r.RUSAGE_SELF); print(t.ru_utime + t.ru_stime)"
    command = [sys.executable, "-P", "-c", "\n".join([begin, code, end])]
    done = subprocess.run(command, env=_environment(function), capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _path(build: Path, function: str) -> list[Path]:
    """The function's folder, and its layers, as Lambda has them."""
    own = [layer["Ref"] for layer in properties(function).get("Layers", ())]
    return [build / function, *(build / layer / "python" for layer in ("TasksLayer", *own))]


def _environment(function: str) -> dict[str, str]:
    """What the template gives the function, with its resources' names for values."""
    variables = dict(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    if function != "bare":
        variables |= properties(function).get("Environment", {}).get("Variables", {})
    known = {name: str(value) if isinstance(value, (str, int)) else "1" for name, value in variables.items()}
    known |= {"TASK_QUEUE_EVENT_FACTORY": "", "EVENT_FACTORY": ""}
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return (
        keep
        | known
        | {
            "PYTHONDONTWRITEBYTECODE": "1",  # code without bytecode is compiled at every start, as on Lambda
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
    )
