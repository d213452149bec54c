"""The task service: what an API, a script or another function does with tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ulid import ULID

from serverless_tasks.adapters.chunk_data import load_lines, store_lines
from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.payloads import JSON_LINES, join_lines, payload_key
from serverless_tasks.core import chunks, outcomes, transitions
from serverless_tasks.core.chunks import Chunk
from serverless_tasks.core.entity import SubTaskEntity, TaskEntity
from serverless_tasks.core.errors import InvalidInput, LostRace, TaskNotFound, TransitionRefused
from serverless_tasks.core.expressions import Put, Update
from serverless_tasks.core.failures import error_text
from serverless_tasks.core.json_text import fits_inline, from_json_text, to_json_text
from serverless_tasks.core.keys import TaskKey, check_name, is_title, open_attention
from serverless_tasks.core.outcomes import parse_line
from serverless_tasks.core.status import TaskKind, TaskStatus
from serverless_tasks.core.times import Clock, after, to_iso, to_millis
from serverless_tasks.sub_tasks import derive, list_sub_tasks
from serverless_tasks.task_lists import Page, TaskQuery, list_tasks

WRITE_TRIES = 8
"""How often a write that lost a race is decided anew before the caller is told."""
OWN_LEASE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for the record: ``createdBy``, ``createdIp``, ``requestId``."""

    user: str | None = None
    ip: str | None = None
    request_id: str | None = None


NOBODY = Caller()


class TaskService:
    """Creates, shows, lists, cancels and retries tasks. ``TaskService.from_environment()`` is the one of this stack."""

    def __init__(self, cloud: Cloud, clock: Clock = utc_now) -> None:
        self._cloud = cloud
        self._clock = clock

    @classmethod
    def from_environment(cls) -> TaskService:
        """The service of the stack that ``TABLE_NAME`` and the other variables of the template name."""
        return cls(Cloud.from_environment())

    def create_task(
        self,
        tenant_code: str,
        task_type: str,
        input: Any,  # noqa: A002  # the field's name everywhere
        name: str | None = None,
        caller: Caller = NOBODY,
    ) -> TaskEntity:
        """Create a single task; it is dispatched by the stream. Raises :class:`InvalidInput` naming the field."""
        text = to_json_text(input, "input")
        task = self._new(TaskKind.TASK, tenant_code, task_type, name, caller)
        stored = self._cloud.payloads.inline_or_stored("input", text, task, "input.json")
        return self._save(task, stored)

    def create_step_function_task(
        self,
        tenant_code: str,
        task_type: str,
        input: Sequence[Any],  # noqa: A002  # the field's name everywhere
        name: str | None = None,
        caller: Caller = NOBODY,
    ) -> TaskEntity:
        """Create a Step Functions task, a sub-task for each element of ``input``. Raises :class:`InvalidInput`."""
        if not isinstance(input, (list, tuple)):
            raise InvalidInput("input", "must be a list, one element for each sub-task")
        text = to_json_text(input, "input")
        task = self._new(TaskKind.SFN_TASK, tenant_code, task_type, name, caller)
        if fits_inline(text):
            return self._save(task, {"input": text})
        lines = join_lines(to_json_text(element, "input") for element in input)
        key = payload_key(tenant_code, task.code, "input.jsonl")
        return self._save(task, {"inputRef": self._cloud.payloads.put(key, lines, JSON_LINES)})

    def get_task(self, key: TaskKey) -> TaskEntity | None:
        """The task, or None."""
        return self._cloud.table.get(key)

    def find_task(self, tenant_code: str, task_type: str, code: str) -> TaskEntity | None:
        """The task of either kind with this type and code, in one call."""
        keys = [TaskKey.of(kind, tenant_code, task_type, code) for kind in TaskKind]
        items = self._cloud.table.batch_get(keys, ConsistentRead=True)
        return next((TaskEntity.from_item(item) for item in items.values()), None)

    def list_tasks(self, query: TaskQuery, limit: int = 20, cursor: str | None = None) -> Page[TaskEntity]:
        """A tenant's tasks, newest first, without input, result and history."""
        return list_tasks(self._cloud.table, query, limit, cursor)

    def list_sub_tasks(
        self, key: TaskKey, status: TaskStatus | None = None, limit: int = 20, cursor: str | None = None
    ) -> Page[SubTaskEntity]:
        """A task's sub-tasks in input order. Raises :class:`TaskNotFound`. A single task has none."""
        return list_sub_tasks(self._cloud, self._require(key), status, limit, cursor)

    def load_input(self, task: TaskEntity) -> Any:
        """The task's input, wherever it is."""
        if task.input_ref is None:
            return task.input
        if task.kind is TaskKind.TASK:
            return self._cloud.payloads.load(task.input_ref)
        return [from_json_text(line) for line in self._cloud.payloads.lines(task.input_ref)]

    def load_result(self, task: TaskEntity) -> Any:
        """The task's result, wherever it is; None before the end."""
        reference = task.attributes.get("resultRef")
        return task.result if reference is None else self._cloud.payloads.load(reference)

    def payload_link(self, reference: Mapping[str, Any]) -> str:
        """A link to a stored payload, for 15 minutes."""
        return self._cloud.payloads.link(reference)

    def update_status(
        self, key: TaskKey, status: TaskStatus, attributes: Mapping[str, Any] | None = None
    ) -> TaskEntity:
        """Move a task to ``status`` and set ``result``, ``error`` or ``progress``, for code that drives a task itself.

        Raises :class:`TransitionRefused` for what the rules of design, section 5, do not allow, :class:`TaskNotFound`,
        and :class:`InvalidInput` for an attribute that is not one of the three.
        """
        given = _storable(attributes or {})
        days = self._cloud.settings.retention_days
        if status is TaskStatus.CREATED:
            return self.retry_task(key)
        return self._decide(key, lambda task: transitions.own_update(task, status, self._clock(), given, days))

    def update_sub_task_status(
        self, key: TaskKey, status: TaskStatus, attributes: Mapping[str, Any] | None = None
    ) -> SubTaskEntity:
        """Give a sub-task its outcome, COMPLETED or FAILED, instead of its handler.

        Raises :class:`TransitionRefused` when it has one, when its chunk is in a worker's hands, or its parent is not
        PROCESSING; :class:`TaskNotFound`.
        """
        if status not in (TaskStatus.COMPLETED, TaskStatus.FAILED):
            raise TransitionRefused(f"a sub-task ends COMPLETED or FAILED, it cannot become {status}")
        task, chunk, lines = self._take_chunk(key)
        index = key.index or 0
        offset = index - chunk.range.first
        before = parse_line(lines[offset], task.run)
        refused = before is not None and before.ended
        if not refused:
            lines[offset] = self._outcome_line(task, status, attributes or {}, before.attempt if before else 0)
        self._give_back(task, chunk, lines)
        if refused:
            raise TransitionRefused("the sub-task has ended already")
        return derive(task, index, None, parse_line(lines[offset], task.run))

    def cancel_task(self, key: TaskKey, by: str | None = None) -> TaskEntity:
        """Stop a task. Raises :class:`TransitionRefused` when it has ended, :class:`TaskNotFound`."""
        days = self._cloud.settings.retention_days
        return self._decide(key, lambda task: transitions.cancelled(task, self._clock(), by, days))

    def retry_task(self, key: TaskKey, by: str | None = None) -> TaskEntity:
        """Begin a new run of a task. Raises :class:`TransitionRefused` unless it is FAILED or CANCELLED."""
        seconds = self._cloud.settings.first_look_seconds
        return self._decide(key, lambda task: transitions.retried(task, self._clock(), by, seconds))

    def publish_alarm(self, task: TaskEntity, error_message: str) -> None:
        """Tell the alarm topic about a task."""
        self._cloud.topics.publish_alarm(task, error_message)

    @staticmethod
    def format_task_status(sub_tasks: Iterable[SubTaskEntity]) -> dict[str, Any]:
        """Counters and a list of statuses, of sub-tasks at hand."""
        known = list(sub_tasks)
        by_status = [sub_task.status for sub_task in known]
        succeeded, failed = by_status.count(TaskStatus.COMPLETED), by_status.count(TaskStatus.FAILED)
        return {
            "subTaskCount": len(known),
            "subTaskSucceedCount": succeeded,
            "subTaskFailedCount": failed,
            "subTaskRunningCount": sum(1 for status in by_status if not status.terminal),
            "subTasks": [{"pk": s.pk, "sk": s.sk, "status": s.status} for s in known],
        }

    def _new(self, kind: TaskKind, tenant_code: str, task_type: str, name: str | None, caller: Caller) -> TaskEntity:
        check_name("tenantCode", tenant_code)
        check_name("taskType", task_type)
        _check_text_name(name)
        now = self._clock()
        code = str(ULID.from_datetime(now))
        key = TaskKey.of(kind, tenant_code, task_type, code)
        return TaskEntity(
            pk=key.pk,
            sk=key.sk,
            kind=kind,
            code=code,
            type=task_type,
            name=name or task_type,
            tenant_code=tenant_code,
            status=TaskStatus.CREATED,
            history=(_created_entry(to_iso(now), caller.user),),
            request_id=caller.request_id,
            created_at=to_iso(now),
            updated_at=to_iso(now),
            created_by=caller.user,
            updated_by=caller.user,
            created_ip=caller.ip,
            updated_ip=caller.ip,
            attention=open_attention(code),
            due_at=to_iso(after(now, self._cloud.settings.first_look_seconds)),
        )

    def _save(self, task: TaskEntity, stored: Mapping[str, Any]) -> TaskEntity:
        task = replace(task, input_text=stored.get("input"), input_ref=stored.get("inputRef"))
        self._cloud.table.put(Put(task.to_item()))
        return task

    def _require(self, key: TaskKey) -> TaskEntity:
        task = self._cloud.table.get(key)
        if task is None:
            raise TaskNotFound(f"there is no task {key}")
        return task

    def _decide(self, key: TaskKey, decide: Any) -> TaskEntity:
        """Read, decide, write; where another writer was first, all again."""
        for _ in range(WRITE_TRIES):
            update: Update = decide(self._require(key))
            try:
                return self._cloud.table.update_task(update)
            except LostRace:
                continue
        raise LostRace(f"{key} changes too fast; ask again")

    def _take_chunk(self, key: TaskKey) -> tuple[TaskEntity, Chunk, list[str]]:
        task = self._require(key.parent)
        if task.status is not TaskStatus.PROCESSING:
            raise TransitionRefused(f"the sub-tasks of a task that is {task.status} cannot change")
        first = self._cloud.table.chunk(task.tenant_code, task.code, 0)
        if first is None or key.index is None or key.index >= task.attributes["subTaskCount"]:
            raise TaskNotFound(f"there is no sub-task {key}")
        now = self._clock()
        claim = chunks.claim(task, key.index // first.range.count, now, after(now, OWN_LEASE_SECONDS))
        try:
            chunk = Chunk.from_item(self._cloud.table.update(claim))
        except LostRace:
            raise TransitionRefused("the sub-task has ended, or a worker has it in its hands") from None
        return task, chunk, list(load_lines(self._cloud.payloads, chunk))

    def _outcome_line(self, task: TaskEntity, status: TaskStatus, attributes: Mapping[str, Any], attempt: int) -> str:
        moment = to_millis(self._clock())
        times = (attempt + 1, moment, moment)
        if status is TaskStatus.COMPLETED:
            return outcomes.completed_line(*times, to_json_text(attributes.get("result"), "result"))
        return outcomes.failed_line(*times, _error(attributes.get("error")), task.run)

    def _give_back(self, task: TaskEntity, chunk: Chunk, lines: list[str]) -> None:
        completed, failed, _ = outcomes.tally(lines, task.run)
        stored = store_lines(self._cloud.payloads, task, chunk, lines)
        released = chunks.release(chunk, stored, (completed, failed), self._clock(), None)
        chunk = Chunk.from_item(self._cloud.table.update(released))
        if chunk.done_in(task.run):
            self._cloud.table.update(chunks.progress(task, chunk, self._clock()))


def _created_entry(at: str, by: str | None) -> dict[str, Any]:
    entry = {"status": TaskStatus.CREATED, "at": at, "attempt": 0}
    return {**entry, "by": by} if by else entry


def _check_text_name(name: str | None) -> None:
    if name is not None and not is_title(name):
        raise InvalidInput("name", "must be 1 to 256 characters on one line, without control characters")


def _storable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(attributes) - {"result", "error", "progress"})
    if unknown:
        raise InvalidInput("attributes", f"may hold result, error and progress, not {unknown[0]}")
    stored: dict[str, Any] = {}
    if "result" in attributes:
        stored["result"] = to_json_text(attributes["result"], "result")
    if "error" in attributes:
        stored["error"] = error_text(_error(attributes["error"]))
    if "progress" in attributes:
        stored["progress"] = attributes["progress"]
    return stored


def _error(error: Any) -> dict[str, str]:
    if isinstance(error, Mapping):
        return {"type": str(error.get("type", "Error")), "message": str(error.get("message", ""))}
    return {"type": "Error", "message": str(error or "")}
