"""The stack's resources as adapters, each client made when first used, once per process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from serverless_tasks.adapters.executions import Executions
from serverless_tasks.adapters.meter import Meter
from serverless_tasks.adapters.payloads import PayloadStore
from serverless_tasks.adapters.queue import TaskQueue
from serverless_tasks.adapters.settings import Settings
from serverless_tasks.adapters.sinks.topics import Topics
from serverless_tasks.adapters.table import TaskTable

if TYPE_CHECKING:
    from serverless_tasks.adapters.sinks.event_bus import EventBus

MakeClient = Callable[[str], Any]

POOL_SIZE = 16
"""Connections per client: the first plan writes chunks from that many threads."""


_one_at_a_time = threading.Lock()
"""Clients may be used by many threads, but not made by them (boto3 guide, "Multithreading with clients")."""


def make_client(service: str) -> Any:
    """A client that retries throttles and faults itself, and gives up in time for the function to say so."""
    config = Config(
        # In all at most 27 s and the pauses in between: within the 30 s of the shortest function.
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=2,
        read_timeout=7,
        max_pool_connections=POOL_SIZE,
        # Connections are kept from one invocation to the next; AWS advises this for them
        # (https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html).
        tcp_keepalive=True,
        # Links must be signed with version 4: newer regions and keys managed by KMS accept nothing else.
        signature_version="s3v4" if service == "s3" else None,
        # Links must name the bucket's own region: the global address redirects, and a redirect breaks the signature.
        s3=None if os.environ.get("AWS_ENDPOINT_URL") else {"addressing_style": "virtual"},
    )
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # one of the services below


class Cloud:
    """One attribute per resource, and the meter that they share."""

    def __init__(
        self, settings: Settings, make_client: MakeClient = make_client, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings = settings
        self.meter = Meter(ticks)
        self._make_client = make_client
        self._clients: dict[str, Any] = {}

    @classmethod
    def from_environment(cls) -> Cloud:
        """The resources that the environment names."""
        return cls(Settings.from_environment())

    def _client(self, service: str) -> Any:
        """Made once, also where several threads are the first to ask."""
        with _one_at_a_time:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    @cached_property
    def table(self) -> TaskTable:
        """The tasks table."""
        return TaskTable(self._client("dynamodb"), self.settings.table_name, self.meter)

    @cached_property
    def payloads(self) -> PayloadStore:
        """The payload bucket."""
        return PayloadStore(self._client("s3"), self.settings.bucket_name, self.meter)

    @cached_property
    def queue(self) -> TaskQueue:
        """The task queue and its dead-letter queue."""
        settings = self.settings
        client = self._client("sqs")
        return TaskQueue(client, settings.task_queue_url, settings.dead_letter_queue_url, self.meter)

    @cached_property
    def executions(self) -> Executions:
        """Executions of the state machine."""
        return Executions(self._client("stepfunctions"), self.settings.state_machine_arn)

    @cached_property
    def topics(self) -> Topics:
        """The status topic and the alarm topic."""
        settings = self.settings
        client = self._client("sns")
        return Topics(client, settings.status_topic_arn, settings.alarm_topic_arn, settings.table_name)

    @cached_property
    def event_bus(self) -> EventBus:
        """The event bus. Only a stack that names one has it."""
        from serverless_tasks.adapters.sinks.event_bus import EventBus  # not at the start: most stacks do without

        return EventBus(self._client("events"), self.settings.event_bus_name, self.settings.table_name)
