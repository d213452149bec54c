"""Answers: the layer's views with their payloads, up to 256 KB as values, larger ones as links."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from serverless_tasks import (
    InvalidInput,
    PayloadInBucket,
    PayloadMissing,
    ResultLinks,
    SubTaskEntity,
    TaskEntity,
    TaskService,
)
from serverless_tasks.core.inputs.json_text import MAX_DEPTH, size, to_json_text
from serverless_tasks.core.inputs.uploads import is_upload
from serverless_tasks.core.task.views import sub_task_view, task_summary, task_view

INLINE_BYTES = 262_144
"""Bytes of a payload up to which an answer carries it."""
OWN_LEVELS = 10
"""Levels of nesting that an answer may have around a payload."""

Json = dict[str, Any]


def answer(status_code: int, view: Json, **headers: str) -> Response[str]:
    """A JSON response, made in one go: payloads are the users' and need no second look."""
    text = to_json_text(view, "answer", MAX_DEPTH + OWN_LEVELS)
    return Response(status_code, APPLICATION_JSON, text, headers=dict(headers))


def task_answer(service: TaskService, task: TaskEntity, load_input: Callable[[], Any] | None = None) -> Json:
    """A task with its input and result. ``load_input``: for an input that is at hand."""
    view = task_view(task) | {"usage": service.usage_of(task)}
    view |= _payload(service, "input", task.input_ref, load_input or (lambda: _input(service, task)))
    if reference := view["attributes"].pop("resultRef", None):
        view["attributes"] |= _payload(service, "result", reference, lambda: service.load_result(task))
    return view


def summary_answer(service: TaskService, task: TaskEntity) -> Json:
    """A task in a list."""
    return task_summary(task) | {"usage": service.usage_of(task)}


def sub_task_answer(service: TaskService, task: TaskEntity, sub_task: SubTaskEntity) -> Json:
    """A sub-task of the task. An input that is too large is found in the task's, to which it links."""
    view = sub_task_view(sub_task)
    if reference := view["attributes"].pop("resultRef", None):
        view["attributes"]["resultUrl"] = service.payload_link(reference)
    may_be_large = task.input_ref is not None and task.input_ref["bytes"] > INLINE_BYTES
    if may_be_large and size(to_json_text(sub_task.input, "input")) > INLINE_BYTES:
        del view["input"]
        view["inputUrl"] = service.payload_link(task.input_ref or {})
    return view


def results_answer(links: ResultLinks, *, to_page: bool) -> Response[str]:
    """The links; where there is one, the answer leads there.

    ``to_page`` says that a page in a browser asks: led from one host to another, it would have no origin any more that
    the bucket could allow (https://fetch.spec.whatwg.org/#concept-request-tainted-origin).
    """
    view = {"items": [asdict(link) for link in links.items], "expiresAt": links.expires_at}
    if to_page or len(links.items) != 1:
        return answer(200, view)
    return answer(303, view, Location=links.items[0].url)


def _input(service: TaskService, task: TaskEntity) -> Any:
    """The input. Raises ``PayloadInBucket`` where its values are larger than its object: CSV names each field once."""
    if task.input_ref is None or not is_upload(task.input_ref["key"]):
        return service.load_input(task)
    found, left = [], INLINE_BYTES
    for element in service.iterate_input(task):
        left -= size(to_json_text(element, "input")) + 1
        if left < 0:
            raise PayloadInBucket("the input is too large for an answer")
        found.append(element)
    return found


def _payload(service: TaskService, name: str, reference: Mapping[str, Any] | None, load: Callable[[], Any]) -> Json:
    if reference is None or reference["bytes"] <= INLINE_BYTES:
        try:
            return {name: load()}
        except (PayloadMissing, PayloadInBucket, InvalidInput):
            if reference is None:
                raise
            # The bucket was emptied, or the upload is no input. The task is still worth an answer; its link will show
            # the object, or say that it is missing.
    return {f"{name}Url": service.payload_link(reference)}
