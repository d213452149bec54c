"""The tasks that take their time, begun before everything else on the fork that most tests run on."""

from collections.abc import Generator
from typing import Any

import pytest
from serverless_tasks import TaskKind, TaskService, TaskStatus
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.settings import Settings

from local.cloud import Connection
from tests.support.driver import Driver, Json
from tests.support.planted import lost_task, plant


@pytest.fixture(scope="session")
def early(forked: Connection) -> dict[str, Json]:
    """Tasks whose tests wait for leases to end, by name: they wait while the other tests run."""
    driver = Driver(forked)
    driver.set_timeouts(QueueFunction=15, ChunkFunction=10)
    calm: Json = {"do": "echo"}
    deadly: list[Json] = [calm] * 3 + [{"do": "exit"}] + [calm] * 6
    wounded: list[Json] = [calm] * 7 + [{"do": "exit", "attempts": 1}] + [calm] * 2
    return {
        "lost": plant(forked, lost_task(TaskKind.TASK, TaskStatus.CREATED)),
        "killed": driver.create("brief", {"do": "exit", "attempts": 1}),
        "killed for good": driver.create("once", {"do": "exit"}),
        "deadly": driver.fan_out("brief", deadly),
        "wounded": driver.fan_out("brief", wounded),
        "long": driver.create("probe", {"do": "checkpoint", "steps": 24, "seconds": 0.5}),
    }


@pytest.fixture
def tasks(forked: Connection, early: dict[str, Json]) -> Driver:
    """A client of the fork's cloud."""
    return Driver(forked)


@pytest.fixture
def service(forked: Connection) -> TaskService:
    """The service over the fork's cloud, as code outside of the stack makes it: it does not know the task types."""
    settings = Settings(table_name=forked.stack["tableName"], bucket_name=forked.stack["bucketName"])
    return TaskService(Cloud(settings, make_client=forked.client))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the drivers of a failed test saw."""
    report = yield
    if report.failed:
        for name, value in item.funcargs.items():
            if isinstance(value, Driver):
                report.sections.append((f"tasks and logs of {name!r}", value.account()))
    return report
