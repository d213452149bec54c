"""Errors that the package raises. An expected case is never a botocore ``ClientError``."""

from __future__ import annotations

from typing import Any


class TaskError(Exception):
    """Base of every error of this package."""


class PermanentError(TaskError):
    """Raised by a handler: this attempt failed and another one would fail as well, so do not retry."""


class InvalidInput(TaskError, ValueError):
    """A value that cannot be accepted. The message names the field, the limit and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.reason = message


class TaskNotFound(TaskError):
    """There is no such task, or no such sub-task."""


class TransitionRefused(TaskError):
    """The task's status does not allow this transition."""


class TaskOpen(TaskError):
    """The task has not ended, and this is there only when it has."""


class KeyReused(TaskError):
    """The idempotency key stands for a task with another content."""


class BoundReached(TaskError):
    """A user, or a tenant, may begin no more for now. ``bound`` is the parameter, ``retry_after`` is in seconds."""

    def __init__(self, message: str, bound: str, tenant_code: str, retry_after: int) -> None:
        super().__init__(message)
        self.bound = bound
        self.tenant_code = tenant_code
        self.retry_after = retry_after


class LostRace(TaskError):
    """Another writer changed the item first, so that a condition of this write no longer held.

    ``item`` is the item as it was found, or None if there was none.
    """

    def __init__(self, message: str, item: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.item = item


class PayloadInBucket(TaskError):
    """The payload is above 4 KB and was not loaded; ``TaskService.load_input`` and ``load_result`` load it."""


class InvalidResult(PermanentError):
    """What the handler returned is not JSON."""


class PayloadMissing(PermanentError):
    """The bucket no longer has the payload that the item refers to, or has another one."""


class MalformedMessage(TaskError):
    """A queue message that can never be processed."""


class NoHandler(PermanentError):
    """No handler in this deployment takes tasks of this type."""


class AttemptsUsedUp(TaskError):
    """Another attempt would be one more than ``max_attempts`` allows."""


class AttemptTimeout(TaskError):
    """An attempt ran longer than its task type allows."""


class SubTasksFailed(TaskError):
    """More sub-tasks failed than the task type tolerates."""


class WorkerLost(TaskError):
    """The worker that held the lease died or was killed before it could say how the attempt ended."""
