"""A task type: its name, its policy and its handlers, in one file of a fork."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from serverless_tasks.core.errors import InvalidInput
from serverless_tasks.core.task.keys import check_name
from serverless_tasks.core.task.status import TaskKind
from serverless_tasks.core.task_types.failures import Backoff, is_number

if TYPE_CHECKING:
    from serverless_tasks.core.fan_out.outcomes import Outcome
    from serverless_tasks.core.task.entity import TaskEntity
    from serverless_tasks.core.task_types.arguments import StepFunctionTaskEvent, TaskContext, TaskQueueEvent

    TaskHandler = Callable[[TaskQueueEvent, TaskContext], Any]
    SubTaskHandler = Callable[[StepFunctionTaskEvent, TaskContext], Any]
    FinishedHandler = Callable[[StepFunctionTaskEvent, Iterator[Outcome]], Any]

MAX_ATTEMPTS = 1000
"""With the longest backoff 250 days. An execution has a year, and room for as many rounds (``rounds.MAX_ROUNDS``)."""
MAX_TIMEOUT = 14 * 86400
"""Seconds: a task's message lives 14 days on the queue."""
MAX_SUB_TASK_TIMEOUT = 900
"""Seconds: a sub-task runs within one invocation, and Lambda ends those after 15 minutes."""
MAX_CHUNK_SIZE = 10_000
MAX_CONCURRENCY = 100
"""Lambda allows 1,024 threads and as many open files (its quotas), and each sub-task opens files of its own."""

Handler = TypeVar("Handler", bound="Callable[..., Any]")


class TaskType:
    """A kind of work, known by ``name``. Creating one registers it for this process.

    Parameters
    ----------
    name:
        The task type, as in the API.
    max_attempts:
        How often a task, or each sub-task, is tried before it fails.
    backoff:
        When a failed attempt is tried again.
    timeout:
        Seconds that one attempt may run, all its invocations together; of a type with sub-tasks at most 900.
    chunk_size:
        Sub-tasks that share an invocation and an item; by default the list is cut evenly for ``FanOutConcurrency``.
    concurrency:
        Sub-tasks of one chunk that run at the same time in one invocation, at most 100: ``async def`` handlers in an
        event loop, others in threads. For handlers that wait for others; one that computes gains nothing.
    heartbeat:
        Whether the worker of a single task gives a sign of life once a minute, so that a task whose worker was killed
        is back within three. False for native code that lets no other thread run for more than a minute: its task is
        left to its worker until the invocation, or the attempt, is over.
    lane:
        Whether a short list of this type may run in the fast lane, which is cheaper and begins sooner. False for
        sub-tasks of minutes: a lane lives for five, and hands over then what is left.
    tolerated_failures:
        Sub-tasks that may fail while the parent still completes: a count (``3``) or a percentage (``"5%"``).

    Raises
    ------
    InvalidInput
        For a policy that cannot work, naming the parameter; so that it fails at import and not at night.
    """

    def __init__(
        self,
        name: str,
        *,
        max_attempts: int = 3,
        backoff: Backoff | None = None,
        timeout: float = 900,
        chunk_size: int | None = None,
        concurrency: int = 1,
        heartbeat: bool = True,
        lane: bool = True,
        tolerated_failures: int | str = 0,
    ) -> None:
        self.name = check_name("name", name)
        self.max_attempts = _whole("max_attempts", max_attempts, 1, MAX_ATTEMPTS)
        self.backoff = _backoff(backoff)
        self.timeout = _within("timeout", timeout, 1, MAX_TIMEOUT)
        self.chunk_size = None if chunk_size is None else _whole("chunk_size", chunk_size, 1, MAX_CHUNK_SIZE)
        self.concurrency = _whole("concurrency", concurrency, 1, MAX_CONCURRENCY)
        self.heartbeat = _truth("heartbeat", heartbeat)
        self.lane = _truth("lane", lane)
        tolerance(tolerated_failures)
        self.tolerated_failures = tolerated_failures
        self.task_handler: TaskHandler | None = None
        self.sub_task_handler: SubTaskHandler | None = None
        self.finished_handler: FinishedHandler | None = None
        self.defined_in = _calling_file()
        _register(self)

    def task(self, handler: Handler) -> Handler:
        """Decorator: ``handler(event, context)``, plain or ``async``, runs a single task; it returns the result."""
        self.task_handler = self._once("task", self.task_handler, handler)
        return handler

    def sub_task(self, handler: Handler) -> Handler:
        """Decorator: ``handler(event, context)``, plain or ``async``, runs one sub-task; it returns its result."""
        _within("timeout", self.timeout, 1, MAX_SUB_TASK_TIMEOUT)
        self.sub_task_handler = self._once("sub_task", self.sub_task_handler, handler)
        return handler

    def finished(self, handler: Handler) -> Handler:
        """Decorator: ``handler(event, outcomes)``, plain or ``async``, is the fan-in; it returns the parent's result.

        It runs when every sub-task has ended and no more failed than is tolerated, at least once: keep effects outside
        keyed by the task. ``outcomes`` iterates over all sub-tasks in input order.
        """
        self.finished_handler = self._once("finished", self.finished_handler, handler)
        return handler

    def _once(self, what: str, present: Any, handler: Any) -> Any:
        if present is not None:
            known = getattr(present, "__qualname__", present)
            raise InvalidInput(what, f"task type {self.name!r} already has a {what} handler, {known}")
        check_handler(what, handler, "outcomes" if what == "finished" else "context")
        return handler

    def __repr__(self) -> str:
        return f"TaskType({self.name!r})"


def check_handler(what: str, handler: Any, second: str) -> None:
    """Raise :class:`InvalidInput` for a handler that cannot be called with an event and one more argument."""
    try:
        # As it is called: what a decorator wraps may take other arguments.
        signature = inspect.signature(handler, follow_wrapped=False)
    except (TypeError, ValueError):  # one written in C does not say
        return
    try:
        signature.bind(None, None)
    except TypeError:
        name = getattr(handler, "__qualname__", repr(handler))
        raise InvalidInput(what, f"the handler {name}{signature} must take (event, {second})") from None


def _calling_file() -> str:
    """The file of the code that makes a task type."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename if frame else "?"


_registry: dict[str, TaskType] = {}


def _register(task_type: TaskType) -> None:
    if known := _registry.get(task_type.name):
        where = f"in {known.defined_in} and in {task_type.defined_in}"
        raise InvalidInput("name", f"task type {task_type.name!r} is defined twice, {where}")
    _registry[task_type.name] = task_type


def find_task_type(name: str) -> TaskType | None:
    """The task type of this name, if this process has it."""
    return _registry.get(name)


def known_task_types() -> list[TaskType]:
    """All task types that this process has, by name."""
    return [_registry[name] for name in sorted(_registry)]


def policy_of(name: str) -> TaskType:
    """The task type of this name; for one that only has event handlers, the default policy."""
    return _registry.get(name) or _default_policy(name)


def set_task_types(task_types: Iterable[TaskType]) -> None:
    """Put these into the registry instead of those that it has. For tests."""
    found = {task_type.name: task_type for task_type in task_types}
    _registry.clear()
    _registry.update(found)


def forget_task_types() -> None:
    """Empty the registry. For tests."""
    set_task_types(())


def _default_policy(name: str) -> TaskType:
    task_type = TaskType(name)
    del _registry[name]
    return task_type


def _within(field: str, value: Any, low: int, high: int) -> Any:
    if not is_number(value, low, high):
        raise InvalidInput(field, f"must be a number from {low} to {high}, not {value!r}")
    return value


def _whole(field: str, value: Any, low: int, high: int) -> Any:
    if not (isinstance(value, int) and is_number(value, low, high)):
        raise InvalidInput(field, f"must be a whole number from {low} to {high}, not {value!r}")
    return value


def _truth(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(field, f"must be True or False, not {value!r}")
    return value


def _backoff(value: Any) -> Backoff:
    if value is not None and not isinstance(value, Backoff):
        raise InvalidInput("backoff", f"must be a Backoff, not {value!r}")
    return value or Backoff()


def tolerance(tolerated: int | str) -> Callable[[int, int], bool]:
    """Whether so many failed sub-tasks, of so many, are tolerated. Raises :class:`InvalidInput`."""
    if isinstance(tolerated, str) and (match := re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", tolerated)):
        percent = Fraction(match[1])  # exact: 57 of 10,000 are 0.57 %, and in floats a little more
        if percent <= 100:
            return lambda failed, count: failed * 100 <= percent * count
    if isinstance(tolerated, int) and not isinstance(tolerated, bool) and tolerated >= 0:
        return lambda failed, count: failed <= tolerated
    raise InvalidInput("tolerated_failures", f"must be a count (3) or a percentage ('5%'), not {tolerated!r}")


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides how a run ends, as a deployment said it when the run began. Its task keeps that.

    All else of a type, such as its backoff, its timeout and its handlers, is that of the code which runs
    (docs/reliability.md).
    """

    max_attempts: int
    tolerated_failures: int | str = 0
    """As ``TaskType`` takes it."""
    fan_in: bool = False
    """Whether the type has a fan-in, without which its result is missing."""

    @classmethod
    def of_code(cls, task_type: str) -> Policy:
        """What this deployment says of a task type."""
        found = policy_of(task_type)
        return cls(found.max_attempts, found.tolerated_failures, found.finished_handler is not None)

    @classmethod
    def of(cls, task: TaskEntity) -> Policy:
        """What the task began with; what this deployment says, where the task knows none."""
        if (known := task.policy) is None:
            return cls.of_code(task.type)
        return cls(known["maxAttempts"], known.get("toleratedFailures", 0), known.get("fanIn", False))

    def to_item(self, kind: TaskKind) -> Mapping[str, Any]:
        """The task's attribute, without what is as usual: every write to the task pays for its bytes."""
        of_lists = {"toleratedFailures": self.tolerated_failures, "fanIn": self.fan_in}
        unusual = {name: value for name, value in of_lists.items() if value and kind is TaskKind.SFN_TASK}
        return {"maxAttempts": self.max_attempts, **unusual}

    def tolerates(self, failed: int, count: int) -> bool:
        """Whether a fan-out of ``count`` sub-tasks completes although ``failed`` of them did."""
        return tolerance(self.tolerated_failures)(failed, count)
