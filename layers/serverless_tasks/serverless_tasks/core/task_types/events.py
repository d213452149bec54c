"""Events: what handlers get. A fork may derive its own classes and make them with :meth:`Event.of`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, Self, cast

from typing_extensions import TypeVar  # before Python 3.13, that of typing knows no default

from serverless_tasks.core.dynamodb.attribute_values import decode_item
from serverless_tasks.core.errors import MalformedMessage
from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.keys import TaskKey

Input = TypeVar("Input", default=Any)


@dataclass(frozen=True, kw_only=True)
class Event(Generic[Input]):
    """The base of all events. The input of a ``TaskQueueEvent[Place]`` is a ``Place`` (``workers.user_code``)."""

    task_key: TaskKey
    """Key of the task; of a sub-task event, the sub-task's."""
    task_type: str
    tenant_code: str
    input: Input = cast("Input", None)  # noqa: RUF009  # None, which a worker replaces
    task_entity: TaskEntity | None = None
    """The parent as it was loaded for this event."""

    @classmethod
    def of(cls, event: Event[Any]) -> Self:
        """The same event as this class: ``CatFed.of(event)``."""
        return cls(**{field.name: getattr(event, field.name) for field in fields(event)})


@dataclass(frozen=True, kw_only=True)
class TaskEvent(Event[Input]):
    """A task's status changed: a record of the table's stream. ``task_entity`` is its new image."""

    record: Mapping[str, Any]
    """The stream record as it came."""

    @classmethod
    def from_dynamodb_record(cls, record: Mapping[str, Any]) -> TaskEvent:
        """Raises :class:`MalformedMessage` for a record without a task in its new image."""
        try:
            task = TaskEntity.from_item(decode_item(record["dynamodb"]["NewImage"]))
            value: Any = None if task.input_text is None else task.input
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MalformedMessage(f"the record holds no task: {error!r}") from error
        return cls(
            task_key=task.key,
            task_type=task.type,
            tenant_code=task.tenant_code,
            input=value,
            task_entity=task,
            record=record,
        )


@dataclass(frozen=True, kw_only=True)
class TaskQueueEvent(Event[Input]):
    """A single task is to be run: a message of the task queue."""

    record: Mapping[str, Any]
    """The SQS record as it came."""
    run: int = 0
    """The run that the message was sent for."""

    @classmethod
    def from_sqs_record(cls, record: Mapping[str, Any]) -> TaskQueueEvent:
        """The event without entity and input, which the worker loads. Raises :class:`MalformedMessage`."""
        from serverless_tasks.core.outbox.messages import parse_task_message  # not at the start: one function needs it

        message = parse_task_message(record.get("body") or "")
        key = message.key
        return cls(
            task_key=key,
            task_type=key.task_type,
            tenant_code=key.tenant_code,
            record=record,
            run=message.run,
        )


@dataclass(frozen=True, kw_only=True)
class StepFunctionTaskEvent(Event[Input]):
    """A sub-task is to be run, or, for the fan-in, all have ended (``index`` is None then)."""

    index: int | None = None
    """Position in the list, from 0."""
    context: Mapping[str, Any]
    """What the state machine's call said: ``run``, ``chunk``, ``attempt``, ``executionArn``."""

    @classmethod
    def from_call(cls, call: Mapping[str, Any]) -> StepFunctionTaskEvent:
        """The event of one sub-task's call (see ``EventFactory.transform_step_function``)."""
        parent: TaskEntity = call["taskEntity"]
        index: int | None = call["index"]
        return cls(
            task_key=parent.key if index is None else parent.key.sub_task(index),
            task_type=parent.type,
            tenant_code=parent.tenant_code,
            input=call["input"],
            task_entity=parent,
            index=index,
            context=call["context"],
        )
