"""What the functions read from their environment, and the clients that they make of it."""

import dataclasses
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from serverless_tasks.adapters.cloud import POOL_SIZE, Cloud, make_client
from serverless_tasks.adapters.settings import Settings

from tests.support.clients import nobodys_account
from tests.support.moto_stack import MotoStack

RESOURCES = {
    "table": "dynamodb",
    "payloads": "s3",
    "queue": "sqs",
    "executions": "stepfunctions",
    "alarm_topic": "sns",
    "sinks": "events",
}


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"TABLE_NAME": "", "RETENTION_DAYS": ""}) == Settings()


def test_every_setting_has_its_variable() -> None:
    given = {"int": ("7", 7), "bool": ("false", False), "str": ("mine", "mine")}
    fields = dataclasses.fields(Settings)

    settings = Settings.from_environment({field.name.upper(): given[str(field.type)][0] for field in fields})

    assert dataclasses.asdict(settings) == {field.name: given[str(field.type)][1] for field in fields}


@pytest.mark.parametrize("text", ["many", "1.5", "0x1"])
def test_a_number_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        Settings.from_environment({"RETENTION_DAYS": text})


def test_the_environment_is_the_process_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "mine")

    assert Cloud.from_environment().settings.table_name == "mine"


def test_the_template_s_parameters_reach_the_functions() -> None:
    given = {"StatusMessages": "all", "FairQueue": "false"}
    with MotoStack(RetentionDays="9", FirstLookSeconds="60", FanOutConcurrency="3", **given) as stack:
        for function in ("ApiFunction", "RelayFunction", "QueueFunction", "PlanFunction", "FinishFunction"):
            settings = stack.resources.settings(function)
            assert (settings.status_messages, settings.fair_queue) == ("all", False)
            numbers = (settings.retention_days, settings.first_look_seconds, settings.fan_out_concurrency)
            assert numbers == (9, 60, 3)


def test_a_client_retries_throttles_and_faults_and_gives_up() -> None:
    with nobodys_account():
        config = make_client("dynamodb").meta.config

    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert (config.connect_timeout, config.read_timeout, config.max_pool_connections) == (2, 7, POOL_SIZE)
    assert config.tcp_keepalive is True


def test_links_are_signed_as_newer_regions_want_it() -> None:
    with nobodys_account():
        assert make_client("s3").meta.config.signature_version == "s3v4"


def test_a_client_is_made_when_it_is_first_used_and_once() -> None:
    made: list[str] = []
    cloud = Cloud(Settings(event_bus_name="ours"), lambda service: made.append(service))
    assert made == []

    for name in (*RESOURCES, *RESOURCES):
        getattr(cloud, name)

    assert made == list(RESOURCES.values())


def test_a_client_is_made_once_for_all_threads() -> None:
    # GIVEN clients that take their time, as boto3's do
    made: list[str] = []
    together = threading.Barrier(4, timeout=30)

    def make(service: str) -> str:
        made.append(service)
        time.sleep(0.05)
        return service

    cloud = Cloud(Settings(), make)

    def ask(_: int) -> object:
        together.wait()
        return cloud.table

    # WHEN several threads ask for the table at once
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(4)))

    # THEN one client was made, and none that nobody asked for
    assert made == ["dynamodb"]
