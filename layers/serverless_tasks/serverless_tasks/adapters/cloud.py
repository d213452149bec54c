"""The stack's resources as adapters, each client made when first used, once per process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from serverless_tasks.adapters.meter import Meter, MeteredTable
from serverless_tasks.adapters.settings import Settings

if TYPE_CHECKING:  # a function imports the adapters that it uses, when it first uses them
    from serverless_tasks.adapters.bucket.given_up import GivenUpRecords
    from serverless_tasks.adapters.executions import Executions
    from serverless_tasks.adapters.payloads import PayloadStore
    from serverless_tasks.adapters.queue import TaskQueue
    from serverless_tasks.adapters.sinks.alarm_topic import AlarmTopic
    from serverless_tasks.adapters.sinks.registry import Sink

MakeClient = Callable[[str], Any]
Answer = TypeVar("Answer")
Handler = Callable[[Any, Any], Answer]
"""Entry of a function: an event and Lambda's context in, the answer out."""

UNREAD = (BotoCoreError, ClientError)
"""Errors of a bucket that may give an object another time. One that is missing is :class:`PayloadMissing` instead."""
POOL_SIZE = 16
"""Connections per client: the first plan writes chunks from that many threads."""


_one_at_a_time = threading.Lock()
"""Clients may be used by many threads, but not made by them (boto3 guide, "Multithreading with clients")."""


def make_client(service: str, session: Any = boto3) -> Any:
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
    return session.client(service, config=config)


def frozen_clients() -> MakeClient:
    """Makes clients as the environment is now, whatever user code makes of it, or of boto3's default session, later.

    What boto3 and what it stands on read from the environment, they read when a client is made. On Lambda these are
    the settings and the credentials of the execution role, the same for as long as the process lives
    (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html). Under SnapStart, which no function with
    user code has, credentials are fetched anew by what the session has found: that works as well.
    """
    session, names = boto3.Session(), _of_clients(os.environ)

    def make(service: str) -> Any:
        with _environment(names):
            return make_client(service, session)

    return make


def _of_clients(environment: Mapping[str, str]) -> dict[str, str]:
    """What decides on a client: region, endpoints, profile, credentials, proxies, certificates, files of settings."""
    prefixes, suffixes = ("AWS_", "BOTO", "SSL_CERT_"), ("_PROXY", "_CA_BUNDLE")
    return {
        name: value
        for name, value in environment.items()
        if name == "HOME" or name.upper().startswith(prefixes) or name.upper().endswith(suffixes)
    }


@contextmanager
def _environment(names: Mapping[str, str]) -> Iterator[None]:
    """Have these names, and no others of their kind, in the block; where none was changed, nothing is done."""
    changed = _of_clients(os.environ)
    if changed == names:
        yield
        return
    try:
        _replace(changed, names)
        yield
    finally:
        _replace(names, changed)


def _replace(old: Mapping[str, str], new: Mapping[str, str]) -> None:
    for name in old.keys() - new.keys():
        os.environ.pop(name, None)
    os.environ.update(new)


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

    @classmethod
    def before_user_code(cls) -> Cloud:
        """The same where user code is imported next: it changes nothing of them."""
        return cls(Settings.from_environment(), frozen_clients())

    def metered(self, handler: Handler[Answer]) -> Handler[Answer]:
        """Decorates the entry of a function: each call is an invocation, of the memory that its context names."""

        @wraps(handler)
        def metered(event: Any, context: Any) -> Answer:
            self.meter.begin(context.memory_limit_in_mb)
            return handler(event, context)

        return metered

    def _client(self, service: str) -> Any:
        """Made once, also where several threads are the first to ask."""
        with _one_at_a_time:
            if service not in self._clients:
                self._clients[service] = self._make_client(service)
            return self._clients[service]

    @cached_property
    def table(self) -> MeteredTable:
        """The tasks table."""
        return MeteredTable(self._client("dynamodb"), self.settings.table_name, self.meter)

    @cached_property
    def payloads(self) -> PayloadStore:
        """The payload bucket."""
        from serverless_tasks.adapters.payloads import PayloadStore

        return PayloadStore(self._client("s3"), self.settings.bucket_name, self.meter)

    @cached_property
    def given_up(self) -> GivenUpRecords:
        """The stream records that the relay could not pass on."""
        from serverless_tasks.adapters.bucket.given_up import GivenUpRecords

        return GivenUpRecords(self._client("s3"), self.settings.bucket_name, self.settings.relay_function)

    @cached_property
    def queue(self) -> TaskQueue:
        """The task queue and its dead-letter queue."""
        from serverless_tasks.adapters.queue import TaskQueue

        settings = self.settings
        client = self._client("sqs")
        urls = (settings.task_queue_url, settings.dead_letter_queue_url)
        return TaskQueue(client, *urls, self.meter, fair=settings.fair_queue)

    @cached_property
    def executions(self) -> Executions:
        """Executions of the state machine and of its fast lane."""
        from serverless_tasks.adapters.executions import Executions

        settings = self.settings
        return Executions(self._client("stepfunctions"), settings.state_machine_arn, settings.fast_lane_arn)

    @cached_property
    def sinks(self) -> Sequence[Sink]:
        """Where the status of tasks is published, in order."""
        from serverless_tasks.adapters.sinks.registry import sinks_of

        return sinks_of(self.settings, self._client)

    @cached_property
    def alarm_topic(self) -> AlarmTopic:
        """The sink for failures, which code can publish to as well."""
        from serverless_tasks.adapters.sinks.alarm_topic import AlarmTopic

        return AlarmTopic(self._client("sns"), self.settings)
