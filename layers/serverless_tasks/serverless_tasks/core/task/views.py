"""Tasks as the API shows them: camelCase, JSON text decoded, internal attributes left out."""

from __future__ import annotations

from typing import Any

from serverless_tasks.core.inputs.json_text import from_json_text
from serverless_tasks.core.task.entity import SubTaskEntity, TaskEntity
from serverless_tasks.core.task.status import TaskKind
from serverless_tasks.core.usage.amounts import STORED_AS

_SWEEPERS = ("change", "attention", "dueAt", "dispatchedAt", "keptAt")
_HIDDEN = ("doneChunks", "input", "inputRef", "attemptStartedAt", "policy", "cut")
_MACHINERY = {*_SWEEPERS, *_HIDDEN, *STORED_AS.values()}
_TEXTS = ("result", "error")


def task_summary(task: TaskEntity) -> dict[str, Any]:
    """A task in a list: without input, result and history."""
    view = task_view(task)
    view.pop("history", None)
    for name in ("result", "resultRef"):
        view["attributes"].pop(name, None)
    return view


def task_view(task: TaskEntity) -> dict[str, Any]:
    """A task without its input; a result above 4 KB stands as ``resultRef``."""
    view = {name: value for name, value in task.to_item().items() if name not in _MACHINERY}
    view["attributes"] = attributes_view(task)
    return view


def attributes_view(task: TaskEntity) -> dict[str, Any]:
    """The attributes with result and error decoded, progress and running count computed, without checkpoint."""
    view = {name: value for name, value in task.attributes.items() if not name.startswith("checkpoint")}
    view |= {name: from_json_text(view[name], name) for name in _TEXTS if name in view}
    if task.progress is not None:
        view["progress"] = task.progress
    if task.kind is TaskKind.SFN_TASK and "subTaskCount" in view:
        view["subTaskRunningCount"] = task.sub_task_running_count
    return view


def sub_task_view(sub_task: SubTaskEntity) -> dict[str, Any]:
    """A sub-task, with ``resultRef`` where the result has an object of its own."""
    view = {
        "pk": sub_task.pk,
        "sk": sub_task.sk,
        "index": sub_task.index,
        "status": sub_task.status,
        "attempt": sub_task.attempt,
        "input": sub_task.input,
        "attributes": dict(sub_task.attributes),
        "startedAt": sub_task.started_at,
        "finishedAt": sub_task.finished_at,
    }
    return {name: value for name, value in view.items() if value is not None or name == "input"}
