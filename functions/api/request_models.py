"""Shapes of requests: they are validated by them."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema
from serverless_tasks import TaskKind, TaskStatus
from serverless_tasks.core.fan_out.chunks import MAX_CHUNKS
from serverless_tasks.core.inputs.uploads import Format
from serverless_tasks.core.task.idempotency import KEY_PATTERN
from serverless_tasks.core.task.keys import CODE_PATTERN, NAME_PATTERN, TITLE_CHARACTER, TITLE_LIMIT
from serverless_tasks.service.pages import MAX_LIMIT

NAME = f"^{NAME_PATTERN}$"
CAT: JsonDict = {"taskType": "cat", "input": {"key": "value1"}}
CATS: JsonDict = {"taskType": "cat", "name": "Feed the cats", "input": [{"key": "value1"}, {"key": "value2"}]}
UPLOADED_CATS: JsonDict = {"taskType": "cat", "inputRef": "uploads/mbc/01KF0FWXF8B5T0E6H3ZJ1F8DGA.jsonl"}


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

    # Neither may be null: ``model_fields_set`` says which one is given.
    input: Annotated[
        list[Any],
        Field(default_factory=list, description="A list, one element for each sub-task; up to 100 levels deep."),
    ]
    input_ref: Annotated[
        str, Field(default_factory=str, description="Instead of `input`: that of an upload, which is there by now.")
    ]

    def given(self, name: str) -> Any:
        """The request's value of this name, or None."""
        return getattr(self, name) if name in self.model_fields_set else None


class NewUpload(BaseModel):
    """An input that is too large for a request."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[
        Format, Field(description="JSON Lines, one element per line, or CSV with a header, one per record.")
    ] = Format.JSONL


JSON_LINES = NewUpload()
"""The upload of a request without a body."""


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
