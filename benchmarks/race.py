"""The same fan-out on one local engine: this stack as deployed, and the followed module's calls by a load model."""

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from botocore.config import Config
from serverless_tasks import TaskKey, TaskKind, TaskService
from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.core.task.entity import to_camel
from serverless_tasks.core.times import from_iso

from benchmarks.original import Original, Played
from benchmarks.uploaded import TENANT, elements
from local.cloud import Connection
from local.isolation import session
from tests.support.fork import TASK_TYPES as WHERE_THEY_GO
from tests.support.fork import Fork

TASK_TYPES = Path(__file__).parent / "task_types"
CONCURRENCY = 8
"""For both: chunks or children that run at the same time."""
SIZES = (1, 10, 40, 100, 480)
QUERIES_UP_TO = 100
"""Above, the load model answers its queries from memory, which favours it: 47,000 of them would take an hour here."""
PATIENCE_SECONDS = 600
LOOK_SECONDS = 0.05


def forked(directory: Path) -> Fork:
    """This repository with the benchmarks' task types in it."""
    fork = Fork(directory / "repo").with_parameters(FanOutConcurrency=str(CONCURRENCY), LogLevel="INFO")
    shutil.copy(TASK_TYPES / "tiny.py", fork.root / WHERE_THEY_GO)
    return fork


def cloud_of(connection: Connection) -> Cloud:
    """The layer's adapters on the running stack."""
    stack = connection.stack
    settings = Settings(
        table_name=stack["tableName"],
        bucket_name=stack["bucketName"],
        fan_out_concurrency=CONCURRENCY,
    )
    return Cloud(settings, connection.client)


def wait(service: TaskService, key: TaskKey, patience: float = PATIENCE_SECONDS) -> dict[str, float]:
    """Until the task has completed; seconds from its creation to each of its statuses."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        task = service.get_task(key)
        if task is not None and task.status.terminal:
            if task.status != "COMPLETED":
                raise RuntimeError(f"{task.id} ended {task.status}: {task.error}")
            begun = _seconds(task.created_at)
            return {entry["status"]: round(_seconds(entry["at"]) - begun, 3) for entry in task.history}
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"{key} did not end within {patience:.0f} s")


def race(connection: Connection, say: Callable[[str], None], sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Both, size by size, in one run."""
    service = TaskService(cloud_of(connection), utc_now)
    original = _original(connection)
    _ours(service, 5 * CONCURRENCY)  # starts the functions' processes; the load model has none
    rows = []
    for size in sizes:
        say(f"both with {size} sub-tasks on the local cloud")
        rows.append(_round(service, original, size))
    single = _to_json(original.single())
    return {"concurrency": CONCURRENCY, "queriesUpTo": QUERIES_UP_TO, "rows": rows, "originalSingle": single}


def _round(service: TaskService, original: Original, size: int) -> dict[str, Any]:
    ours = _ours(service, size)
    theirs = original.fan_out(size, real_queries=size <= QUERIES_UP_TO)
    return {"n": size, "seconds": ours, "original": _to_json(theirs), "timesFaster": round(theirs.seconds / ours, 2)}


def _to_json(played: Played) -> dict[str, Any]:
    return {to_camel(name): value for name, value in asdict(played).items()} | {"seconds": round(played.seconds, 3)}


def _ours(service: TaskService, size: int) -> float:
    task = service.create_step_function_task(TENANT, "tiny", list(elements(size)))
    return wait(service, TaskKey.of(TaskKind.SFN_TASK, TENANT, "tiny", task.code))["COMPLETED"]


def _original(connection: Connection) -> Original:
    maker = session(connection.stack["region"])
    config = Config(max_pool_connections=64, retries={"total_max_attempts": 2})
    url = connection.stack["endpointUrl"]
    dynamodb = maker.client("dynamodb", endpoint_url=url, config=config)
    sns = maker.client("sns", endpoint_url=url, config=config)
    dynamodb.create_table(
        TableName="original",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    topic = sns.create_topic(Name="original")["TopicArn"]
    return Original(dynamodb, sns, "original", topic, CONCURRENCY)


def _seconds(at: str) -> float:
    return from_iso(at).timestamp()
