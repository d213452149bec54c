"""The policy that decides how a task ends. A task keeps the one that it began with (docs/reliability.md).

Everything else of a task type, such as its backoff, its timeout and its handlers, is that of the code which runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serverless_tasks.core.task.entity import TaskEntity
from serverless_tasks.core.task.status import TaskKind
from serverless_tasks.core.task_types.task_type import policy_of, tolerance


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides, as a deployment said it when the run began."""

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
        """The task's attribute: every sub-task of a fan-out, and every write to its item, pays for its bytes."""
        if kind is TaskKind.TASK:
            return {"maxAttempts": self.max_attempts}
        fan_out = {"toleratedFailures": self.tolerated_failures, "fanIn": self.fan_in}
        return {"maxAttempts": self.max_attempts, **fan_out}

    def tolerates(self, failed: int, count: int) -> bool:
        """Whether a fan-out of ``count`` sub-tasks completes although ``failed`` of them did."""
        return tolerance(self.tolerated_failures)(failed, count)
