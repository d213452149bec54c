"""Dogs of a kennel. A fork's own task type, whose input has a type.

It is all that the fork adds.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field
from serverless_tasks import StepFunctionTaskEvent, TaskContext, TaskQueueEvent, TaskType

kennel = TaskType("kennel", max_attempts=3, tolerated_failures=1)


@kennel.task
def meet(event: TaskQueueEvent[Dog], context: TaskContext) -> str:
    """A single task."""
    return f"{event.input.name}, {event.input.age}"


@kennel.sub_task
async def walk(event: StepFunctionTaskEvent[Dog], context: TaskContext) -> str:
    """One sub-task."""
    return f"{event.input.name} was walked"


class Dog(BaseModel):
    """One of them."""

    name: str
    age: Annotated[int, Field(ge=0, le=30)] = 1
