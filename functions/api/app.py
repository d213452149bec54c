"""HTTP API: creates, shows, lists, cancels and retries tasks. Every route is one call of the task service."""

import os
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from callers import ApiCaller, Reader, Writer
from request_models import (
    JSON_LINES,
    ChunkLimit,
    CodeInPath,
    Cursor,
    IdempotencyKey,
    KindFilter,
    Limit,
    NewStepFunctionTask,
    NewTask,
    NewUpload,
    StatusFilter,
    TaskTypeInPath,
    TypeFilter,
)
from resolver import TaskApi, returns, said_to_be_json
from response_bodies import answer, results_answer, sub_task_answer, summary_answer, task_answer
from response_models import (
    ChunkPage,
    ResultLinks,
    SubTaskPage,
    Task,
    TaskPage,
    TaskTypes,
    Upload,
)
from serverless_tasks import Page, TaskEntity, TaskKind, TaskNotFound, TaskQuery, TaskService
from serverless_tasks.adapters.cloud import Cloud
from serverless_tasks.adapters.log import logger, task_keys
from serverless_tasks.core.fan_out.chunk_summary import chunk_view
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS
from task_type_catalogue import known_types

cloud = Cloud.from_environment()
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    _ = cloud.table  # now, so that its client is in the snapshot; it connects, and renews its credentials, when used
    known_types()
service = TaskService(cloud)
app = TaskApi()
if os.environ.get("API_DOCS") == "true":
    app.publish_description()

_PATH = {"taskType": "$response.body#/type", "code": "$response.body#/code"}
TASK_LINKS = {name: {"operationId": name, "parameters": _PATH} for name in ("getTask", "listSubTasks", "cancelTask")}
"""Operations on a task that was created, for tools that walk through an API."""
CREATED = {
    **returns(200, "The task that was made before, by the same request with the same Idempotency-Key.", Task),
    **returns(201, "The task, not dispatched yet.", Task, 400, 409, 413, 429, links=TASK_LINKS),
}
LOCATION = {"Location": {"description": "The link.", "schema": {"type": "string", "format": "uri"}}}
RESULTS = {
    **returns(200, "Links to the objects, also where it is one and a page in a browser asks.", ResultLinks),
    **returns(
        303, "The link to the only object; follow it without the token.", ResultLinks, 404, 409, headers=LOCATION
    ),
}


@app.task_route("POST", "/tasks", "Create a task", CREATED)
def create_task(body: Annotated[NewTask, Body()], caller: Writer, key: IdempotencyKey = None) -> Response[str]:
    """Create a single task."""
    caller.check_tenant(body.tenant_code)
    known_types().check(TaskKind.TASK, body.task_type)
    known_types().check_input(TaskKind.TASK, body.task_type, body.input)
    task = service.create_task(caller.tenant_code, body.task_type, body.input, body.name, caller.record, key)
    return _created(caller, task, lambda: body.input)


@app.task_route("POST", "/tasks/step-function-task", "Create a Step Functions task", CREATED)
def create_step_function_task(
    body: Annotated[NewStepFunctionTask, Body()], caller: Writer, key: IdempotencyKey = None
) -> Response[str]:
    """Create a task of which every element of the input, or of an upload, is a sub-task."""
    caller.check_tenant(body.tenant_code)
    given, input_ref = body.given("input"), body.given("input_ref")
    known_types().check(TaskKind.SFN_TASK, body.task_type)
    if given is not None:  # an upload is the worker's to check
        known_types().check_input(TaskKind.SFN_TASK, body.task_type, given)
    create = service.create_step_function_task
    task = create(caller.tenant_code, body.task_type, given, body.name, caller.record, key, input_ref=input_ref)
    return _created(caller, task, None if given is None else lambda: given)


@app.task_route(
    "POST",
    "/uploads",
    "Ask where to put a large input",
    returns(201, "Where to put it. Nothing is there yet.", Upload, 400, 413, 429),
)
def create_upload(caller: Writer, body: Annotated[NewUpload, Body()] = JSON_LINES) -> Response[str]:
    """Hand out a link by which one input can be uploaded, once."""
    upload = service.create_upload(caller.tenant_code, body.format, caller.record)
    made = {"inputRef": upload.input_ref, "url": upload.url, "headers": upload.headers, "expiresAt": upload.expires_at}
    return answer(201, made)


@app.task_route(
    "GET", "/task-types", "List the task types", returns(200, "The task types of this deployment, by name.", TaskTypes)
)
def list_task_types(caller: Reader) -> Response[str]:
    """List what tasks can be created of, and what their inputs look like."""
    return answer(200, known_types().view)


@app.task_route(
    "GET", "/tasks", "List tasks, newest first", returns(200, "A page of the tenant's tasks.", TaskPage, 400)
)
def list_tasks(
    caller: Reader,
    kind: KindFilter = None,
    task_type: TypeFilter = None,
    status: StatusFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[str]:
    """List the tenant's tasks."""
    page = service.list_tasks(TaskQuery(caller.tenant_code, kind, task_type, status), limit, cursor)
    return answer(200, _page(page, [summary_answer(service, task) for task in page.items]))


@app.task_route("GET", "/tasks/<taskType>/<code>", "Show a task", returns(200, "The task.", Task, 404))
def get_task(task_type: TaskTypeInPath, code: CodeInPath, caller: Reader) -> Response[str]:
    """Show a task of either kind."""
    return answer(200, task_answer(service, _find(caller, task_type, code)))


@app.task_route(
    "GET",
    "/tasks/<taskType>/<code>/sub-tasks",
    "List the sub-tasks of a task",
    returns(200, "A page of its sub-tasks; a single task has none.", SubTaskPage, 400, 404),
)
def list_sub_tasks(
    task_type: TaskTypeInPath,
    code: CodeInPath,
    caller: Reader,
    status: StatusFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[str]:
    """List sub-tasks in the order of the input."""
    task = _find(caller, task_type, code)
    page = service.list_sub_tasks(task, status, limit, cursor)
    return answer(200, _page(page, [sub_task_answer(service, task, sub_task) for sub_task in page.items]))


@app.task_route(
    "GET",
    "/tasks/<taskType>/<code>/chunks",
    "List the chunks of a task",
    returns(200, "A page of its chunks; a task whose input is not cut has none.", ChunkPage, 400, 404),
)
def list_chunks(
    task_type: TaskTypeInPath, code: CodeInPath, caller: Reader, limit: ChunkLimit = MAX_CHUNKS, cursor: Cursor = None
) -> Response[str]:
    """List chunks in the order of the input, without what came of their sub-tasks."""
    page = service.list_chunks(_find(caller, task_type, code), limit, cursor)
    return answer(200, _page(page, [chunk_view(chunk) for chunk in page.items]))


@app.task_route("GET", "/tasks/<taskType>/<code>/results", "Get links to all results of a task", RESULTS)
def list_results(task_type: TaskTypeInPath, code: CodeInPath, caller: Reader) -> Response[str]:
    """Link to the outcomes of all sub-tasks, in the order of the input, once the task has ended."""
    links = service.result_links(_find(caller, task_type, code))
    return results_answer(links, to_page=_asked_by_a_script(app.current_event.headers))


@app.task_route(
    "POST", "/tasks/<taskType>/<code>/cancel", "Stop a task", returns(200, "The task, CANCELLED.", Task, 404, 409)
)
def cancel_task(task_type: TaskTypeInPath, code: CodeInPath, caller: Writer) -> Response[str]:
    """Stop a task that has not ended."""
    task = _find(caller, task_type, code)
    caller.check_control(task)
    return _changed(200, service.cancel_task(task.key, caller.user, caller.record.ip))


@app.task_route(
    "POST",
    "/tasks/<taskType>/<code>/retry",
    "Run a failed or cancelled task again",
    returns(202, "The task, in a new run.", Task, 404, 409, 429),
)
def retry_task(task_type: TaskTypeInPath, code: CodeInPath, caller: Writer) -> Response[str]:
    """Begin a new run; sub-tasks that completed stay completed."""
    task = _find(caller, task_type, code)
    caller.check_control(task)
    return _changed(202, service.retry_task(task.key, caller.user, caller.record.ip))


@logger.inject_lambda_context(clear_state=True)
@cloud.metered
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An event of the HTTP API in, its response out, one line in the log, which names the task that it was about."""
    response = app.resolve(said_to_be_json(event), context)
    request = event["requestContext"]
    logger.info(
        "request",
        extra={
            "method": request["http"]["method"],
            "path": event["rawPath"],
            "statusCode": int(response["statusCode"]),
            "requestId": request.get("requestId"),
        },
    )
    return response


def _created(caller: ApiCaller, task: TaskEntity, load_input: Callable[[], Any] | None) -> Response[str]:
    """201 for a task that this request made, 200 for one that an earlier request with the same key made."""
    made_now = task.request_id == caller.record.request_id
    logger.append_keys(**task_keys(task))
    return answer(201 if made_now else 200, task_answer(service, task, load_input))


def _changed(status_code: int, task: TaskEntity) -> Response[str]:
    """The task after the transition that this request made."""
    logger.append_keys(**task_keys(task))
    return answer(status_code, task_answer(service, task))


def _find(caller: ApiCaller, task_type: str, code: str) -> TaskEntity:
    """The task, if it is one of the caller's tenant: another tenant's does not exist for the caller."""
    task = service.find_task(caller.tenant_code, task_type, code)
    if task is None:
        raise TaskNotFound(f"there is no task {task_type}/{code}")
    logger.append_keys(**task_keys(task))
    return task


def _asked_by_a_script(headers: Mapping[str, str]) -> bool:
    """Whether a page in a browser asks, and not the browser for a new page, or a program.

    A script on the API's own host sends no ``Origin`` with a GET, but says what the answer is for
    (https://www.w3.org/TR/fetch-metadata/#sec-fetch-mode-header).
    """
    return "origin" in headers or headers.get("sec-fetch-mode", "navigate") != "navigate"


def _page(page: Page[Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"items": items, **({"cursor": page.cursor} if page.cursor else {})}
