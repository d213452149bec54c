"""Shapes of answers. They describe the API; the unit tests compare every answer."""

from typing import Annotated, Any, NotRequired

from pydantic import Field
from request_models import NAME
from serverless_tasks import TaskKind, TaskStatus
from serverless_tasks.core.task.keys import CODE_PATTERN
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

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
    """The task's use of AWS so far. Counted by its own writes, and estimated where they cannot know."""

    writeUnits: Annotated[Count, Field(description="Of the table and its indexes.")]
    readUnits: Annotated[Count, Field(description="Of the table, for the task's own work.")]
    invocations: Annotated[Count, Field(description="Of functions.")]
    gigabyteSeconds: Annotated[float, Field(ge=0, description="Duration of the functions times their memory.")]
    stateTransitions: Annotated[Count, Field(description="Of the state machine and its children.")]
    payloadWrites: Annotated[Count, Field(description="Objects written to the bucket.")]
    payloadReads: Annotated[Count, Field(description="Objects read from the bucket, or parts of them.")]
    queueRequests: Annotated[Count, Field(description="Requests to the queue, Lambda's own included.")]
    publishes: Annotated[Count, Field(description="Messages to the topics, estimated from the status.")]
    expressRequests: Annotated[Count, Field(description="Executions of the fast lane.")]
    expressSeconds: Annotated[
        float, Field(ge=0, description="Their duration, until finish. Their memory is taken to be 64 MB.")
    ]
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
    """Links to all outcomes, in the order of the input, without sub-tasks that were not begun."""

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


class BoundError(TypedDict):
    """The bound that is reached, or, without `statusCode`, API Gateway's own answer."""

    statusCode: NotRequired[int]
    message: str
