"""The task service, for the API, for scripts and for other functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from serverless_tasks.adapters import prices
from serverless_tasks.adapters.clock import utc_now
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.table import task_of
from serverless_tasks.core.errors import InvalidInput, LostRace, TaskNotFound
from serverless_tasks.core.fan_out.chunk_summary import ChunkSummary
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS
from serverless_tasks.core.inputs.json_text import to_json_text
from serverless_tasks.core.inputs.uploads import Upload, format_named
from serverless_tasks.core.task.entity import SubTaskEntity, TaskEntity, check_progress
from serverless_tasks.core.task.keys import TaskKey
from serverless_tasks.core.task.status import TaskKind, TaskStatus
from serverless_tasks.core.task_types.failures import error_of, error_text
from serverless_tasks.core.times import Clock
from serverless_tasks.core.usage.costs import usage_view, whole_usage
from serverless_tasks.service.chunks import ResultLinks, list_chunks, result_links
from serverless_tasks.service.creation import NOBODY, Caller, Draft, counter, create, create_upload
from serverless_tasks.service.pages import Page, TaskQuery, list_tasks
from serverless_tasks.service.sub_tasks import list_sub_tasks, write_outcome
from serverless_tasks.store.inputs import every_element
from serverless_tasks.store.transitions import Transitions

WRITE_TRIES = 8
"""How often a write that lost a race is decided anew before it is an error."""


class TaskService:
    """Creates, shows, lists, cancels and retries tasks. ``TaskService.from_environment()`` is the one of this stack."""

    def __init__(self, cloud: Cloud, clock: Clock = utc_now) -> None:
        self._cloud = cloud
        self._clock = clock
        self._transitions = Transitions(cloud, clock)

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
        idempotency_key: str | None = None,
    ) -> TaskEntity:
        """Create a single task; the stream dispatches it.

        With an ``idempotency_key`` the same call of the same user returns the same task for 24 hours. Raises
        :class:`InvalidInput` naming the field, :class:`KeyReused` when the key stands for another content, and, where
        the stack has bounds, :class:`BoundReached`.
        """
        text = to_json_text(input, "input")
        draft = Draft(TaskKind.TASK, tenant_code, task_type, name, text, None, caller)
        return create(self._cloud, self._clock, draft, idempotency_key)

    def create_step_function_task(
        self,
        tenant_code: str,
        task_type: str,
        input: Sequence[Any] | None = None,  # noqa: A002  # the field's name everywhere
        name: str | None = None,
        caller: Caller = NOBODY,
        idempotency_key: str | None = None,
        *,
        input_ref: str | None = None,
    ) -> TaskEntity:
        """Create a Step Functions task, a sub-task for each element of ``input``; else like :meth:`create_task`.

        ``input_ref`` instead of ``input`` is that of an :class:`Upload` of the tenant, which must be there by now. What
        is in it is checked when the task is planned: a broken line ends it FAILED before anything runs.
        """
        if input_ref is not None and input is not None:
            raise InvalidInput("inputRef", "give either input or inputRef, not both")
        if input_ref is None and not isinstance(input, (list, tuple)):
            raise InvalidInput("input", "must be a list, one element for each sub-task, unless there is an inputRef")
        # As an object it is no other input's text: the same idempotency key never stands for both.
        text = to_json_text(input, "input") if input_ref is None else to_json_text({"inputRef": input_ref}, "inputRef")
        draft = Draft(TaskKind.SFN_TASK, tenant_code, task_type, name, text, input, caller, input_ref)
        return create(self._cloud, self._clock, draft, idempotency_key)

    def create_upload(
        self,
        tenant_code: str,
        format: str = "jsonl",  # noqa: A002  # the field's name
        caller: Caller = NOBODY,
    ) -> Upload:
        """Where to put an input that is too large for a request: ``jsonl`` (JSON Lines) or ``csv`` (with a header).

        Raises :class:`InvalidInput` naming the field, and :class:`BoundReached`.
        """
        return create_upload(self._cloud, self._clock, tenant_code, format_named(format), caller.user)

    def get_task(self, key: TaskKey) -> TaskEntity | None:
        """The task, or None."""
        return self._cloud.table.get(key)

    def find_task(self, tenant_code: str, task_type: str, code: str) -> TaskEntity | None:
        """The task of either kind with this type and code, in one call."""
        keys = [TaskKey.of(kind, tenant_code, task_type, code) for kind in TaskKind]
        items = self._cloud.table.batch_get(keys, ConsistentRead=True)
        return next((task for item in items.values() if (task := task_of(item))), None)

    def list_tasks(self, query: TaskQuery, limit: int = 20, cursor: str | None = None) -> Page[TaskEntity]:
        """A tenant's tasks, newest first, without input, result and history."""
        return list_tasks(self._cloud.table, query, limit, cursor)

    def list_sub_tasks(
        self, task: TaskKey | TaskEntity, status: TaskStatus | None = None, limit: int = 20, cursor: str | None = None
    ) -> Page[SubTaskEntity]:
        """A task's sub-tasks in input order. Raises :class:`TaskNotFound`. A single task has none."""
        found = self._require(task) if isinstance(task, TaskKey) else task
        return list_sub_tasks(self._cloud, found, status, limit, cursor)

    def list_chunks(
        self, task: TaskKey | TaskEntity, limit: int = MAX_CHUNKS, cursor: str | None = None
    ) -> Page[ChunkSummary]:
        """A task's chunks in input order, without outcomes. Raises :class:`TaskNotFound`.

        A single task has none, and a Step Functions task none before its input is cut.
        """
        found = self._require(task) if isinstance(task, TaskKey) else task
        return list_chunks(self._cloud.table, found, limit, cursor)

    def result_links(self, task: TaskKey | TaskEntity) -> ResultLinks:
        """Links to the outcomes of all sub-tasks, in input order, for 15 minutes.

        Raises :class:`TaskOpen` while the task has not ended, and :class:`TaskNotFound`, also for a single task.
        """
        found = self._require(task) if isinstance(task, TaskKey) else task
        return result_links(self._cloud, self._clock, found)

    def load_input(self, task: TaskEntity) -> Any:
        """The task's input, wherever it is. Raises :class:`InvalidInput` for an upload that is broken."""
        if task.input_ref is None:
            return task.input
        if task.kind is TaskKind.TASK:
            return self._cloud.payloads.load(task.input_ref)
        return list(self.iterate_input(task))

    def iterate_input(self, task: TaskEntity) -> Iterator[Any]:
        """The elements of a Step Functions task one after the other, however many; else like :meth:`load_input`."""
        return every_element(self._cloud.payloads, task)

    def load_result(self, task: TaskEntity) -> Any:
        """The task's result, wherever it is; None before the end."""
        reference = task.attributes.get("resultRef")
        return task.result if reference is None else self._cloud.payloads.load(reference)

    def usage_of(self, task: TaskEntity) -> dict[str, Any]:
        """The task's use of AWS so far, with an estimate in US dollars at list prices.

        Keys are those of ``usage`` in the HTTP API. ``estimatedUsd`` is what ``pricesOf``, a region and a day, says.
        """
        settings = self._cloud.settings
        of_one = {name: price.of(1) for name, price in prices.prices().items()}
        if not settings.fair_queue:
            of_one["fairQueueRequest"] = 0
        return usage_view(whole_usage(task, settings.relayed, settings.published), of_one, prices.named())

    def payload_link(self, reference: Mapping[str, Any]) -> str:
        """A link to a stored payload, for 15 minutes."""
        return self._cloud.payloads.link(reference)

    def update_status(
        self, key: TaskKey, status: TaskStatus, attributes: Mapping[str, Any] | None = None
    ) -> TaskEntity:
        """Move a task to ``status`` and set ``result``, ``error`` or ``progress``, for code that drives a task itself.

        Raises :class:`TransitionRefused` for a transition that docs/concepts.md does not have, :class:`TaskNotFound`,
        and :class:`InvalidInput` for an attribute that is not one of the three.
        """
        given = _checked(attributes or {})
        if status is TaskStatus.CREATED:
            return self.retry_task(key)
        return self._change(key, lambda task: self._transitions.update(task, status, self._stored(task, given)))

    def update_sub_task_status(
        self, key: TaskKey, status: TaskStatus, attributes: Mapping[str, Any] | None = None
    ) -> SubTaskEntity:
        """Give a sub-task its outcome, COMPLETED or FAILED, instead of its handler.

        Raises :class:`TransitionRefused` when it has one, when its chunk is in a worker's hands, or its parent is not
        PROCESSING; :class:`TaskNotFound`.
        """
        return write_outcome(self._cloud, self._clock, key, status, attributes or {})

    def cancel_task(self, key: TaskKey, by: str | None = None, ip: str | None = None) -> TaskEntity:
        """Stop a task. Raises :class:`TransitionRefused` when it has ended, :class:`TaskNotFound`."""
        return self._change(key, lambda task: self._transitions.cancel(task, by, ip))

    def retry_task(self, key: TaskKey, by: str | None = None, ip: str | None = None) -> TaskEntity:
        """Begin a new run of a task. Raises :class:`TransitionRefused` unless it is FAILED or CANCELLED.

        It counts as a new task: raises :class:`BoundReached`.
        """
        count_once = counter(self._cloud, self._clock, key.tenant_code, by)
        return self._change(key, lambda task: self._transitions.retry(task, by, ip, count_once))

    def publish_alarm(self, task: TaskEntity, error_message: str) -> None:
        """Publish a message about a task on the alarm topic."""
        self._cloud.alarm_topic.publish_alarm(task, error_message)

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

    def _require(self, key: TaskKey) -> TaskEntity:
        task = self._cloud.table.get(key)
        if task is None:
            raise TaskNotFound(f"there is no task {key}")
        return task

    def _stored(self, task: TaskEntity, given: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that user code sets, with a result above 4 KB in the bucket."""
        if "result" not in given:
            return dict(given)
        others = {name: value for name, value in given.items() if name != "result"}
        what = f"result-{task.run}-{task.version}.json"
        return others | self._cloud.payloads.inline_or_stored("result", given["result"], task, what)

    def _change(self, key: TaskKey, change: Callable[[TaskEntity], TaskEntity]) -> TaskEntity:
        """Read, decide, write; where another writer was first, all again."""
        for _ in range(WRITE_TRIES):
            try:
                return change(self._require(key))
            except LostRace:
                continue
        raise LostRace(f"{key} changes too fast; ask again")


def _checked(attributes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(attributes) - {"result", "error", "progress"})
    if unknown:
        raise InvalidInput("attributes", f"may hold result, error and progress, not {unknown[0]}")
    stored: dict[str, Any] = {}
    if "result" in attributes:
        stored["result"] = to_json_text(attributes["result"], "result")
    if "error" in attributes:
        stored["error"] = error_text(error_of(attributes["error"]))
    if "progress" in attributes:
        stored["progress"] = check_progress(attributes["progress"])
    return stored
