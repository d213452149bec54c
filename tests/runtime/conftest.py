"""The built functions under Lambda's own runtime, with the local cloud as their AWS."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local import deployment
from local.cloud import Connection
from local.isolation import environment
from local.template import load as load_template
from tests.support import events, lambda_runtime
from tests.support.fork import Fork
from tests.support.lambda_runtime import Function, Start


@pytest.fixture(scope="session")
def build(plain: Fork, cloud: Connection) -> Path:
    """What is deployed, as it was built."""
    return plain.root / ".aws-sam" / "build"


@pytest.fixture(scope="session")
def task_queue(cloud: Connection) -> str:
    """A task queue on which nobody but the test sends and receives."""
    url: str = cloud.client("sqs").create_queue(QueueName="runtime-task-queue")["QueueUrl"]
    return url


@pytest.fixture(scope="session")
def functions(cloud: Connection, build: Path, task_queue: str) -> dict[str, Function]:
    """Every function as deployed, by its name in the template; only the queue worker's queue is another one."""
    present = deployment.resources(cloud.client, cloud.stack["stackName"])
    built = load_template(build / "template.yaml")["Resources"]

    def content(layer: str) -> Path:
        return build / str(built[layer]["Properties"]["ContentUri"]) / "python"

    amazon = {
        name: value
        for name, value in environment(cloud.client.endpoint_url, cloud.client.region).items()
        if name.startswith("AWS_")
    }

    def describe(name: str) -> Function:
        deployed = cloud.client("lambda").get_function_configuration(FunctionName=present[name][1])
        return Function(
            name=name,
            handler=deployed["Handler"],
            code=build / built[name]["Properties"]["CodeUri"],
            layer=content("TasksLayer") if deployed.get("Layers") else None,
            own_layers=tuple(content(own["Ref"]) for own in built[name]["Properties"].get("Layers", ())),
            seconds=deployed["Timeout"],
            megabytes=deployed["MemorySize"],
            environment=amazon | deployed["Environment"]["Variables"],
        )

    described = {name: describe(name) for name in events.FUNCTIONS}
    worker = described["QueueFunction"]
    described["QueueFunction"] = replace(worker, environment={**worker.environment, "TASK_QUEUE_URL": task_queue})
    return described


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """``start(function)`` runs a function until the session ends."""
    if not lambda_runtime.RUNS_HERE:
        pytest.skip("AWS offers Lambda's runtime client and emulator for Linux only")
    if not lambda_runtime.PYTHON.exists():
        pytest.fail(f"{lambda_runtime.PYTHON} is missing: `make setup` creates it")
    program = lambda_runtime.emulator(tmp_path_factory.mktemp("emulator"))
    with ExitStack() as stop:
        yield lambda function: stop.enter_context(lambda_runtime.running(function, program))


@pytest.fixture(scope="session")
def call(functions: dict[str, Function], start: Start) -> Callable[..., Any]:
    """``call("queue-task")`` has its function work on a sample event and returns what the function returns."""
    running = cache(lambda name: start(functions[name]))

    def call(name: str, event: Any = None) -> Any:
        return running(events.function_of(name)).invoke(event or events.load(name))

    return call
