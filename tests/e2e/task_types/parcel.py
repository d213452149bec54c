"""A typed task type that takes its time, so that its tasks can be watched in the console."""

import time
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from serverless_tasks import StepFunctionTaskEvent, TaskContext, TaskQueueEvent, TaskType

parcel = TaskType("parcel", max_attempts=1, chunk_size=5, timeout=60)


@dataclass
class Parcel:
    """Something to deliver."""

    street: Annotated[str, Field(title="Street", description="Where it goes.", min_length=1)]
    number: Annotated[int, Field(title="House number", ge=1)]
    seconds: Annotated[float, Field(title="Seconds on the way", ge=0, le=1)] = 0.0
    lost: Annotated[bool, Field(title="Lost once", description="It arrives when it is sent a second time.")] = False


@parcel.task
def deliver_one(event: TaskQueueEvent[Parcel], context: TaskContext) -> str:
    """Deliver a single parcel, unless it is cancelled on its way."""
    return _deliver(event.input, context)


@parcel.sub_task
def deliver(event: StepFunctionTaskEvent[Parcel], context: TaskContext) -> str:
    """Deliver one of many."""
    return _deliver(event.input, context)


def _deliver(given: Parcel, context: TaskContext) -> str:
    arrives = time.monotonic() + given.seconds
    while time.monotonic() < arrives and not context.cancelled:
        time.sleep(0.05)
    if given.lost and context.run == 0:
        raise LookupError(f"nobody at {given.street} {given.number}")
    return f"{given.street} {given.number}"
