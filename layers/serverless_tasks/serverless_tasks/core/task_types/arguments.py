"""The two arguments of every handler: its event, and the context of its attempt.

A fork may derive its own events and make them with :meth:`Event.of`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, Self, cast

from typing_extensions import TypeVar  # before Python 3.13, that of typing knows no default

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task.entity import TaskEntity, check_progress
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
        from serverless_tasks.core.outbox.stream_records import task_of  # not at the start, as below

        task = task_of(record)
        value: Any = None if task.input_text is None else task.input
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


class TaskContext:
    """The second argument of every handler.

    Attributes
    ----------
    attempt:
        1 for the first, 2 for the second, …
    run:
        0, and one more after each explicit retry.
    idempotency_key:
        The same for every attempt and run of this task or sub-task: key effects outside by it, and they happen once.
    state:
        What the last :meth:`checkpoint` of this run saved, or None.
    """

    def __init__(
        self,
        *,
        attempt: int = 1,
        run: int = 0,
        idempotency_key: str = "",
        state: Any = None,
        remaining_time: Callable[[], float] = lambda: 900.0,
        is_cancelled: Callable[[], bool] = lambda: False,
        save: Callable[[Any, float | None], None] | None = None,
    ) -> None:
        self.attempt = attempt
        self.run = run
        self.idempotency_key = idempotency_key
        self.state = state
        self._remaining_time = remaining_time
        self._is_cancelled = is_cancelled
        self._save = save

    @property
    def remaining_time(self) -> float:
        """Seconds that this attempt may still run in this invocation."""
        return max(0.0, self._remaining_time())

    @property
    def cancelled(self) -> bool:
        """Whether the task was ended or taken over meanwhile: stop then, nothing that you return is kept."""
        return self._is_cancelled()

    def checkpoint(self, state: Any, progress: float | None = None) -> None:
        """Save where the handler is; the next attempt finds ``state`` in :attr:`state`.

        When the invocation's time is nearly up this call does not return: the attempt goes on in another invocation,
        which begins the handler anew with that state.

        Parameters
        ----------
        state:
            Anything that is JSON.
        progress:
            0 to 1, shown with the task. A number below or above is taken as 0 or 1: sums of floats end a little above.

        Raises
        ------
        InvalidInput
            When state is not JSON or has more than 1 MB, or progress is no number; the task is unharmed.
        """
        known = None if progress is None else check_progress(progress)
        if self._save is None:
            raise InvalidInput("checkpoint", "sub-tasks have none: give each less to do, or make it a task of its own")
        self._save(state, known)
        self.state = state
