"""The settings that the template gives the functions, read from the environment once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from serverless_tasks.core.task.status import RELAYED, TERMINAL, TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Names of the stack's resources and numbers of its parameters; empty is what the function does not use."""

    table_name: str = ""
    bucket_name: str = ""
    task_queue_url: str = ""
    dead_letter_queue_url: str = ""
    state_machine_arn: str = ""
    fast_lane_arn: str = ""
    """State machine of the fast lane; empty: there is none, or not for this function."""
    status_topic_arn: str = ""
    alarm_topic_arn: str = ""
    event_bus_name: str = ""
    """Event bus that gets what the status topic gets; empty: there is none."""
    metrics_namespace: str = ""
    """Where metrics of tasks are kept in CloudWatch; empty: there are none."""
    status_messages: str = "terminal"
    """``terminal``, ``all`` or ``none``: which statuses the status topic, and the event bus, get."""
    fair_queue: bool = True
    """Whether a task's message names its tenant as its group."""
    task_queue_event_factory: str = ""
    event_factory: str = ""
    relay_function: str = ""
    """Name of the function whose batches of stream records may have been given up."""
    retention_days: int = 30
    payload_days: int = 60
    """After which the bucket deletes an object."""
    first_look_seconds: int = 300
    fan_out_concurrency: int = 20
    user_tasks_per_minute: int = 0
    """Bounds, as the next three; 0: none. The template gives them to the API alone."""
    tenant_tasks_per_minute: int = 0
    user_uploads_per_hour: int = 0
    tenant_uploads_per_hour: int = 0

    @property
    def relayed(self) -> frozenset[TaskStatus]:
        """Statuses that the relay is woken by, as the filter in the template has them."""
        return self.published | RELAYED

    @property
    def published(self) -> frozenset[TaskStatus]:
        """Statuses that the status topic, and the event bus, get."""
        return _PUBLISHED.get(self.status_messages, TERMINAL)

    @property
    def bounded(self) -> bool:
        """Whether a user or a tenant has any bound."""
        tasks = self.user_tasks_per_minute or self.tenant_tasks_per_minute
        return bool(tasks or self.user_uploads_per_hour or self.tenant_uploads_per_hour)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Settings from ``TABLE_NAME``, ``BUCKET_NAME`` and so on. Raises ``ValueError`` for a number that is none."""
        environment = os.environ if environment is None else environment
        given = {name: environment[name.upper()] for name in cls.__slots__ if environment.get(name.upper())}
        numbers = {name: int(value) for name, value in given.items() if name in _NUMBERS}
        flags = {name: value == "true" for name, value in given.items() if name in _FLAGS}
        return cls(**{**given, **numbers, **flags})  # type: ignore[arg-type]  # they replace their texts


_PUBLISHED: Mapping[str, frozenset[TaskStatus]] = {"all": frozenset(TaskStatus), "none": frozenset()}
_NUMBERS = {field.name for field in fields(Settings) if field.type == "int"}
_FLAGS = {field.name for field in fields(Settings) if field.type == "bool"}
