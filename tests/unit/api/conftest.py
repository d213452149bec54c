"""The API over a table and a bucket in memory (moto), made as the template declares them."""

import importlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse
from serverless_tasks import TaskEntity, TaskKey, TaskType
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.core.inputs.json_text import to_json_text
from serverless_tasks.core.task import transitions
from serverless_tasks.core.task.status import TaskStatus
from serverless_tasks.core.task_types.task_type import forget_task_types
from serverless_tasks.workers.chunk.run import ChunkWorker
from serverless_tasks.workers.finisher import Finisher
from serverless_tasks.workers.planner import Planner
from serverless_tasks.workers.user_code.routing import HandlerRouter

from tests.support.clients import quick_moto
from tests.unit.api.client import Client
from tests.unit.api.deployed import TYPES, Deploy

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {
    "TABLE_NAME": "tasks",
    "BUCKET_NAME": "payloads",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}


@pytest.fixture(autouse=True)
def no_task_types(own_task_types: None) -> None:
    """Each test here defines its own task types."""
    forget_task_types()


@pytest.fixture(scope="module")  # not longer: tests elsewhere have an environment, and an AWS in memory, of their own
def app() -> Iterator[ModuleType]:
    """The function, one warm instance for all tests of a file."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "API_DOCS": "true"}.items():
            patch.setenv(name, value)
        patch.delitem(sys.modules, "app", raising=False)
        yield importlib.import_module("app")


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The published description."""
    return json.loads((ROOT / "docs" / "openapi.json").read_text())


@pytest.fixture(scope="session")
def table_properties() -> dict[str, Any]:
    properties = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["TasksTable"]["Properties"]
    names = "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"
    return {name: properties[name] for name in names}


@pytest.fixture(scope="module")
def dynamodb(app: ModuleType) -> Iterator[Any]:
    """A client of AWS in memory, which has the bucket already: to make it anew for every test takes too long."""
    with quick_moto():
        boto3.client("s3").create_bucket(Bucket="payloads")
        yield boto3.client("dynamodb")


@pytest.fixture
def cloud(app: ModuleType, dynamodb: Any, table_properties: dict[str, Any]) -> Iterator[Cloud]:
    """The resources of the function, with an empty table."""
    dynamodb.create_table(TableName="tasks", **table_properties)
    yield app.service._cloud
    dynamodb.delete_table(TableName="tasks")


@pytest.fixture
def api(app: ModuleType, cloud: Cloud, document: dict[str, Any]) -> Client:
    """Alice, an ordinary user of the tenant mbc."""
    return Client.of(app, document)


@pytest.fixture
def log(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """Call it for the lines of the log, parsed."""
    stream = io.StringIO()
    monkeypatch.setattr(app.logger.registered_handler, "stream", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def key_of(task: dict[str, Any]) -> TaskKey:
    return TaskKey(task["pk"], task["sk"])


@pytest.fixture
def end(app: ModuleType, cloud: Cloud) -> Callable[..., TaskEntity]:
    """``end(task, result)`` completes a task, ``end(task, error="…")`` fails it, as the queue worker does."""

    def end(task: dict[str, Any], result: Any = None, error: str | None = None) -> TaskEntity:
        running = app.service.update_status(key_of(task), TaskStatus.PROCESSING)
        if error is not None:
            return app.service.update_status(key_of(task), TaskStatus.FAILED, {"error": error})
        text = to_json_text(result, "result")
        stored = cloud.payloads.inline_or_stored("result", text, running, "result.json")
        return cloud.table.update_task(transitions.completed(running, datetime.now(UTC), stored, 30), running)

    return end


@pytest.fixture
def fan_out(cloud: Cloud) -> Callable[..., None]:
    """``fan_out(task, handler)`` runs a Step Functions task, as plan, chunk worker and finish do."""

    def fan_out(task: dict[str, Any], handler: Callable[[Any], Any], **policy: Any) -> None:
        TaskType(task["type"], max_attempts=1, **policy).sub_task(lambda event, context: handler(event.input))
        call = {"pk": task["pk"], "sk": task["sk"], "run": 0}
        plan = Planner(cloud, HandlerRouter()).handle({"input": call, "executionArn": "arn:execution"}, lambda: 900.0)
        for number in plan["chunks"]:
            ChunkWorker(cloud, HandlerRouter()).handle({**call, "chunk": number}, lambda: 900)
        Finisher(cloud, HandlerRouter()).handle(call, lambda: 900)

    return fan_out


@pytest.fixture
def deploy(app, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """``deploy(types)`` puts the layer in place that says so."""
    known = sys.modules["task_type_catalogue"].known_types

    def deploy(items: list[Any] = TYPES, *, complete: bool = True, own_factories: str = "false") -> None:
        folder = tmp_path / "deployed_task_types"
        folder.mkdir()
        (folder / "manifest.json").write_text(json.dumps({"items": items, "complete": complete}))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("OWN_FACTORIES", own_factories)
        importlib.invalidate_caches()
        known.cache_clear()

    yield deploy
    sys.modules.pop("deployed_task_types", None)
    known.cache_clear()
