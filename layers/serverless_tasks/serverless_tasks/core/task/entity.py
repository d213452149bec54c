"""The task as the table holds it, and the sub-task as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any

from serverless_tasks.core.dynamodb.attribute_values import Item
from serverless_tasks.core.errors import InvalidInput, PayloadInBucket
from serverless_tasks.core.inputs.json_text import from_json_text
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.usage.amounts import NOTHING, STORED_AS, Usage

HISTORY_LIMIT = 50
"""Transitions kept: the first, and the newest. An item ends at 400 KB; a task that is retried for years does not."""

COUNTERS = ("subTaskCount", "subTaskSucceedCount", "subTaskFailedCount", "subTaskRunningCount")
"""Counters of a Step Functions task, keys of ``attributes``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEntity:
    """A parent: a single task or a Step Functions task. Field names are the table's attributes in snake_case."""

    pk: str
    sk: str
    kind: TaskKind
    code: str
    """The ULID, which is also the time of creation."""
    type: str
    name: str
    tenant_code: str
    status: TaskStatus
    version: int = 0
    """Grows by one with every transition."""
    input_text: str | None = None
    """The input as JSON text, when it is at most 4 KB."""
    input_ref: Mapping[str, Any] | None = None
    """Where the input is in the bucket, when it is larger: ``key``, ``bytes``, ``etag``, and of a CSV ``header``."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """``result | resultRef``, ``error``, ``progress``, ``checkpoint | checkpointRef`` and the counters, as stored."""
    attempt: int = 0
    """0 before the first."""
    run: int = 0
    """0, and one more after each explicit retry."""
    attempt_started_at: str | None = None
    """When the current attempt began; it may go on over several invocations."""
    lease_until: str | None = None
    """Until when the worker that holds the task may be believed alive."""
    next_attempt_at: str | None = None
    history: tuple[Mapping[str, Any], ...] = ()
    """Transitions ``{status, at, attempt, by?, reason?}``, oldest first."""
    execution_arn: str | None = None
    request_id: str | None = None
    created_at: str = ""
    updated_at: str = ""
    created_by: str | None = None
    updated_by: str | None = None
    created_ip: str | None = None
    updated_ip: str | None = None
    expires_at: int | None = None
    """Seconds since 1970 after which DynamoDB may delete the task; set when it ends."""
    change: str = "status"
    """The last write: ``status`` (a transition, which the stream passes on) or ``data``."""
    attention: str | None = None
    due_at: str | None = None
    dispatched_at: str | None = None
    kept_at: str | None = None
    """When the sweeper last made the objects of a task that is open for long young again."""
    done_chunks: frozenset[int] = frozenset()
    """Numbers of the chunks that are in the counters."""
    policy: Mapping[str, Any] | None = None
    """What decides how the run ends, as it began: ``task_type.Policy`` without what is as usual."""
    cut: Mapping[str, int] | None = None
    """What a chunk has at most, for all runs: ``chunks.Limits``. None as well for a list of one chunk."""
    usage: Usage = NOTHING
    """Its use of AWS, as far as its writes could say so; ``TaskService.usage_of`` adds the rest."""

    @property
    def id(self) -> str:
        """``pk#sk``."""
        return str(self.key)

    @property
    def key(self) -> TaskKey:
        """The key as a value."""
        return TaskKey(self.pk, self.sk)

    @property
    def input(self) -> Any:
        """The input. Raises :class:`PayloadInBucket` when it is above 4 KB."""
        return _inline(self.input_text, self.input_ref, "input")

    @property
    def result(self) -> Any:
        """What the handler or the fan-in returned, None before the end. Raises :class:`PayloadInBucket` above 4 KB."""
        return _inline(self.attributes.get("result"), self.attributes.get("resultRef"), "result")

    @property
    def error(self) -> dict[str, str] | None:
        """``{type, message}`` of the last failed attempt."""
        text = self.attributes.get("error")
        return from_json_text(text) if text else None

    @property
    def progress(self) -> float | None:
        """0 to 1. Of a Step Functions task: ended sub-tasks of all."""
        if self.kind is TaskKind.TASK:
            return self.attributes.get("progress")
        count = self.attributes.get("subTaskCount")
        if count is None:
            return None
        return self._ended / count if count else 1.0

    @property
    def sub_task_running_count(self) -> int:
        """Sub-tasks that have not ended while the task is PROCESSING, else 0: computed, never stored."""
        if self.status is not TaskStatus.PROCESSING:
            return 0
        return int(self.attributes.get("subTaskCount", 0)) - self._ended

    @property
    def _ended(self) -> int:
        return int(self.attributes.get("subTaskSucceedCount", 0)) + int(self.attributes.get("subTaskFailedCount", 0))

    @classmethod
    def from_item(cls, item: Item) -> TaskEntity:
        """The entity of a table item. Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is no parent."""
        values = {name: item[attribute] for name, attribute in _ATTRIBUTES.items() if attribute in item}
        values["kind"] = TaskKind(item["kind"])
        values["status"] = TaskStatus(item["status"])
        values["history"] = tuple(item.get("history", ()))
        values["usage"] = Usage.from_item(item)
        task = cls(**values)
        texts = (task.input_text, *(task.attributes.get(name) for name in ("result", "error", "checkpoint")))
        if not all(text is None or isinstance(text, str) for text in texts):
            raise TypeError("a payload is not text")
        return task

    @staticmethod
    def attribute_names() -> tuple[str, ...]:
        """The table's attributes of a parent, ``id`` aside."""
        return (*_ATTRIBUTES.values(), *STORED_AS.values())

    def to_item(self) -> Item:
        """The table item, without what is empty."""
        values = {attribute: getattr(self, name) for name, attribute in _ATTRIBUTES.items()}
        values["history"] = list(self.history)
        values["id"] = self.id
        kept = {name: value for name, value in values.items() if value is not None and value != frozenset()}
        return kept | self.usage.to_item()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubTaskEntity:
    """A sub-task as the API shows it. It is no item of its own: chunks hold the outcomes, the rest is derived."""

    pk: str
    """The parent's."""
    sk: str
    """The parent's, and ``#`` and the index."""
    index: int
    status: TaskStatus
    attempt: int = 0
    input: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """``result``, or ``resultRef`` for a result in an object of its own, or ``error {type, message}``."""
    started_at: str | None = None
    finished_at: str | None = None

    @property
    def key(self) -> TaskKey:
        """The sub-task's key, which is no key of the table."""
        return TaskKey(self.pk, self.sk)


def to_camel(name: str) -> str:
    """``created_at`` to ``createdAt``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def history_entry(
    status: TaskStatus, at: str, attempt: int, by: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    """A transition as the history keeps it."""
    entry = {"status": status, "at": at, "attempt": attempt}
    return entry | {name: value for name, value in (("by", by), ("reason", reason)) if value}


def append_history(history: tuple[Mapping[str, Any], ...], entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The history with one more entry, cut to the first and the newest."""
    longer = [*history, entry]
    if len(longer) <= HISTORY_LIMIT:
        return longer
    return [longer[0], *longer[-(HISTORY_LIMIT - 1) :]]


def check_progress(progress: Any) -> float:
    """Progress as it is kept, 0 to 1. Raises :class:`InvalidInput` where it is no number."""
    if isinstance(progress, Real) and progress == progress:  # NaN is not equal to itself
        nearest: Any = min(max(progress, 0), 1)
        return float(nearest)
    raise InvalidInput("progress", f"must be a number from 0 to 1, not {progress!r}")


def _inline(text: str | None, ref: Any, what: str) -> Any:
    if ref is not None:
        raise PayloadInBucket(f"the {what} is in the bucket; use TaskService.load_{what}")
    return None if text is None else from_json_text(text, what)


_ATTRIBUTES = {f.name: to_camel(f.name) for f in fields(TaskEntity) if f.name != "usage"} | {"input_text": "input"}
