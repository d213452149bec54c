"""Handlers that do next to nothing, so that the measurements show all else."""

from collections.abc import Iterator

from serverless_tasks import Outcome, StepFunctionTaskEvent, TaskContext, TaskQueueEvent, TaskType

tiny = TaskType("tiny")
alone = TaskType("alone", chunk_size=1)
summed = TaskType("summed")


@tiny.task
def feed_one(event: TaskQueueEvent, context: TaskContext) -> dict[str, str]:
    """A single task."""
    return {"fed": event.input["key"]}


@tiny.sub_task
@alone.sub_task
@summed.sub_task
def feed(event: StepFunctionTaskEvent, context: TaskContext) -> dict[str, str]:
    """One sub-task."""
    return {"fed": event.input["key"]}


@summed.finished
def count(event: StepFunctionTaskEvent, outcomes: Iterator[Outcome]) -> dict[str, int]:
    """A fan-in that looks at every outcome and keeps none."""
    fed = letters = 0
    for outcome in outcomes:
        fed += 1
        letters += len(outcome.result["fed"])
    return {"fed": fed, "letters": letters}
