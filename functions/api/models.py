"""Shapes of the API: requests are validated by them, responses described (the unit tests compare every one)."""

from typing import Annotated, Any, NotRequired

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema
from serverless_tasks import TaskKind, TaskStatus
from serverless_tasks.core.chunks import MAX_CHUNKS
from serverless_tasks.core.idempotency import KEY_PATTERN
from serverless_tasks.core.keys import CODE_PATTERN, NAME_PATTERN, TITLE_CHARACTER, TITLE_LIMIT
from serverless_tasks.core.uploads import Format
from serverless_tasks.task_lists import MAX_LIMIT
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

NAME = f"^{NAME_PATTERN}$"
CAT: JsonDict = {"taskType": "cat", "input": {"key": "value1"}}
CATS: JsonDict = {"taskType": "cat", "name": "Feed the cats", "input": [{"key": "value1"}, {"key": "value2"}]}
UPLOADED_CATS: JsonDict = {"taskType": "cat", "inputRef": "uploads/mbc/01KF0FWXF8B5T0E6H3ZJ1F8DGA.jsonl"}

# ------------------------------------------------------------------------------------------------ requests


class _NewTask(BaseModel):
    # A field that is not known is refused: silently ignored, a typing error would be a task that does something else.
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    task_type: Annotated[str, Field(pattern=NAME, description="Which handler runs it.")]
    name: Annotated[
        Annotated[str, Field(min_length=1, max_length=TITLE_LIMIT, pattern=f"^{TITLE_CHARACTER}*$")] | None,
        Field(description="For people, on one line. The task type if it is left out."),
    ] = None
    tenant_code: Annotated[
        str | None, Field(description="Your own tenant, or nothing: your token says which one it is.")
    ] = None


class NewTask(_NewTask):
    """A single task: one handler call."""

    model_config = ConfigDict(json_schema_extra={"examples": [CAT]})

    input: Annotated[Any, Field(description="What the handler gets: any JSON, up to 100 levels deep.")]


class NewStepFunctionTask(_NewTask):
    """A Step Functions task: a list, every element of which is a sub-task, or an upload that has them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [CATS, UPLOADED_CATS],
            "oneOf": [{"required": ["input"]}, {"required": ["inputRef"]}],
        }
    )

    # Neither may be null: what is not given is told by ``model_fields_set``.
    input: Annotated[
        list[Any],
        Field(default_factory=list, description="A list, one element for each sub-task; up to 100 levels deep."),
    ]
    input_ref: Annotated[
        str, Field(default_factory=str, description="Instead of `input`: that of an upload, which is there by now.")
    ]

    def given(self, name: str) -> Any:
        """What the request has under this name, or None."""
        return getattr(self, name) if name in self.model_fields_set else None


class NewUpload(BaseModel):
    """An input that is too large for a request."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[
        Format, Field(description="JSON Lines, one element per line, or CSV with a header, one per record.")
    ] = Format.JSONL


JSON_LINES = NewUpload()
"""What a request without a body asks for."""


IdempotencyKey = Annotated[
    Annotated[str, Field(pattern=f"^{KEY_PATTERN}$")] | SkipJsonSchema[None],
    Header(
        alias="Idempotency-Key",
        description="Sent again with the same body within 24 hours, it makes no second task.",
    ),
]

TaskTypeInPath = Annotated[str, Path(alias="taskType", pattern=NAME, description="The task's `type`.")]
CodeInPath = Annotated[str, Path(pattern=f"^{CODE_PATTERN}$", description="The task's `code`.")]

KindFilter = Annotated[TaskKind | SkipJsonSchema[None], Query(description="Only tasks of this kind.")]
TypeFilter = Annotated[
    str | SkipJsonSchema[None], Query(alias="taskType", pattern=NAME, description="Only tasks of this type.")
]
StatusFilter = Annotated[TaskStatus | SkipJsonSchema[None], Query(description="Only what has this status.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many a page has at most.")]
ChunkLimit = Annotated[int, Query(alias="limit", ge=1, le=MAX_CHUNKS, description="How many a page has at most.")]
Cursor = Annotated[
    str | SkipJsonSchema[None],
    Query(min_length=1, description="`cursor` of the page before, with the same other parameters."),
]

# ----------------------------------------------------------------------------------------------- responses

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-22T09:39:36.123Z"])]
Count = Annotated[int, Field(ge=0)]
Link = Annotated[str, Field(json_schema_extra={"format": "uri"})]


class TaskError(TypedDict):
    """Why an attempt failed."""

    type: str
    message: str


class Transition(TypedDict):
    """A change of the status."""

    status: TaskStatus
    at: Time
    attempt: Count
    by: NotRequired[Annotated[str, Field(description="The user who asked for it.")]]
    reason: NotRequired[str]


class SummaryAttributes(TypedDict):
    """How far a task is."""

    progress: NotRequired[Annotated[float, Field(ge=0, le=1)]]
    error: NotRequired[TaskError]
    subTaskCount: NotRequired[Count]
    subTaskSucceedCount: NotRequired[Count]
    subTaskFailedCount: NotRequired[Count]
    subTaskRunningCount: NotRequired[Count]


class TaskAttributes(SummaryAttributes):
    """How far a task is, and what came of it."""

    result: NotRequired[Annotated[Any, Field(description="What the handler, or the fan-in, returned.")]]
    resultUrl: NotRequired[Annotated[Link, Field(description="Instead of a result above 256 KB, for 15 minutes.")]]


class Usage(TypedDict):
    """What the task has used of AWS so far. Counted by its own writes, and estimated where they cannot know."""

    writeUnits: Annotated[Count, Field(description="Of the table and its indexes.")]
    readUnits: Annotated[Count, Field(description="Of the table, for the task's own work.")]
    invocations: Annotated[Count, Field(description="Of functions.")]
    gigabyteSeconds: Annotated[float, Field(ge=0, description="Duration of the functions times their memory.")]
    stateTransitions: Annotated[Count, Field(description="Of the state machine and its children.")]
    payloadWrites: Annotated[Count, Field(description="Objects written to the bucket.")]
    payloadReads: Annotated[Count, Field(description="Objects read from the bucket, or parts of them.")]
    queueRequests: Annotated[Count, Field(description="Requests to the queue, Lambda's own included.")]
    publishes: Annotated[Count, Field(description="Messages to the topics, estimated from the status.")]
    estimatedUsd: Annotated[float, Field(ge=0, description="All of it in US dollars, at list prices.")]
    pricesOf: Annotated[str, Field(description="Region and day of these prices.", examples=["us-east-1, 2026-11-22"])]


class _TaskHead(TypedDict):
    id: Annotated[str, Field(description="`pk#sk`.")]
    pk: str
    sk: str
    kind: TaskKind
    code: Annotated[str, Field(pattern=f"^{CODE_PATTERN}$", description="A ULID: later tasks have greater ones.")]
    type: Annotated[str, Field(pattern=NAME)]
    name: str
    tenantCode: Annotated[str, Field(pattern=NAME)]
    status: TaskStatus
    version: Annotated[Count, Field(description="Grows by one with every transition.")]
    attempt: Annotated[Count, Field(description="0 before the first.")]
    run: Annotated[Count, Field(description="0, and one more with every retry.")]
    leaseUntil: NotRequired[Annotated[Time, Field(description="Until when its worker is believed alive.")]]
    nextAttemptAt: NotRequired[Time]
    executionArn: NotRequired[str]
    requestId: NotRequired[str]
    createdAt: Time
    updatedAt: Time
    createdBy: NotRequired[str]
    updatedBy: NotRequired[str]
    createdIp: NotRequired[str]
    updatedIp: NotRequired[str]
    expiresAt: NotRequired[Annotated[int, Field(description="Seconds since 1970 after which it may be gone.")]]
    usage: Usage


class TaskSummary(_TaskHead):
    """A task in a list: without input, result and history."""

    attributes: SummaryAttributes


class Task(_TaskHead):
    """A task of either kind."""

    input: NotRequired[Any]
    inputUrl: NotRequired[
        Annotated[
            Link,
            Field(
                description="Instead of an input above 256 KB, for 15 minutes. A list is there as JSON Lines, an "
                "upload as it was uploaded."
            ),
        ]
    ]
    attributes: TaskAttributes
    history: Annotated[list[Transition], Field(description="The first and the newest 49, oldest first.")]


class Upload(TypedDict):
    """Where to put an input, once: a PUT to `url` with exactly these `headers`."""

    inputRef: Annotated[str, Field(description="What to create the task with.")]
    url: Link
    headers: Annotated[dict[str, str], Field(description="They are signed; without them the PUT is refused.")]
    expiresAt: Annotated[Time, Field(description="Until when the link works at most.")]


class TaskPage(TypedDict):
    """Tasks, newest first."""

    items: list[TaskSummary]
    cursor: NotRequired[
        Annotated[str, Field(description="There may be more. A filtered page may be short, even empty.")]
    ]


class SubTaskAttributes(TypedDict):
    """What came of a sub-task."""

    result: NotRequired[Any]
    resultUrl: NotRequired[
        Annotated[
            Link,
            Field(description="For 15 minutes, instead of a result above 256 KB; above 4 KB among very many."),
        ]
    ]
    error: NotRequired[TaskError]


class SubTask(TypedDict):
    """One element of a Step Functions task."""

    pk: Annotated[str, Field(description="The task's.")]
    sk: Annotated[str, Field(description="The task's `sk`, `#` and the index.")]
    index: Count
    status: TaskStatus
    attempt: Count
    input: NotRequired[Any]
    inputUrl: NotRequired[
        Annotated[Link, Field(description="Instead of an input above 256 KB: the whole list, as the task's.")]
    ]
    attributes: SubTaskAttributes
    startedAt: NotRequired[Time]
    finishedAt: NotRequired[Time]


class SubTaskPage(TypedDict):
    """Sub-tasks in the order of the input."""

    items: list[SubTask]
    cursor: NotRequired[Annotated[str, Field(description="There may be more. A page may be short.")]]


class TaskTypeItem(TypedDict):
    """A task type."""

    taskType: Annotated[str, Field(pattern=NAME)]
    description: NotRequired[Annotated[str, Field(description="What its file says it is for.")]]
    kinds: Annotated[list[TaskKind], Field(min_length=1, description="What it has a handler for.")]
    inputSchemas: Annotated[
        dict[TaskKind, dict[str, Any]],
        Field(description="JSON Schema (2020-12) of the input, by kind; of a list, of one element. Only typed ones."),
    ]


class TaskTypes(TypedDict):
    """What tasks can be created of."""

    items: list[TaskTypeItem]
    complete: Annotated[bool, Field(description="Whether these are all. If so, a task of another type is refused.")]


class Chunk(TypedDict):
    """A part of the list, which one worker runs at a time: `count` sub-tasks from index `first` on."""

    number: Annotated[Count, Field(description="Position among the task's chunks.")]
    first: Count
    count: Count
    status: Annotated[
        TaskStatus,
        Field(
            description="COMPLETED or FAILED (one of its sub-tasks failed) when all have ended; else what the task is, "
            "if that has ended; PROCESSING while a worker has it; ERRORED while something of it waits; CREATED before."
        ),
    ]
    attempt: Annotated[Count, Field(description="Times a worker took it, in all runs together.")]
    startedAt: NotRequired[Annotated[Time, Field(description="When a worker first took it in its run.")]]
    finishedAt: NotRequired[Annotated[Time, Field(description="When the last of its sub-tasks had ended.")]]
    succeeded: Annotated[Count, Field(description="Sub-tasks that are known to have completed.")]
    failed: Annotated[Count, Field(description="Sub-tasks that are known to have failed in this run.")]


class ChunkPage(TypedDict):
    """Chunks in the order of the input."""

    items: list[Chunk]
    cursor: NotRequired[Annotated[str, Field(description="There are more.")]]


class ResultLink(TypedDict):
    """A link to an object: JSON Lines, one line for each of `count` sub-tasks."""

    url: Link
    first: Annotated[Count, Field(description="Index of its first sub-task.")]
    count: Count


class ResultLinks(TypedDict):
    """Links to all outcomes, in the order of the input. What nobody began is left out."""

    items: Annotated[list[ResultLink], Field(min_length=1)]
    expiresAt: Annotated[Time, Field(description="When the links end.")]


class Problem(TypedDict):
    """What is wrong with a field."""

    field: str
    message: str


class Error(TypedDict):
    """What went wrong."""

    statusCode: int
    message: str
    details: NotRequired[list[Problem]]


class GatewayError(TypedDict):
    """What went wrong before the request reached us: API Gateway's own answer."""

    message: str
