"""The smallest task type: a single task and a sub-task."""

from serverless_tasks import StepFunctionTaskEvent, TaskContext, TaskQueueEvent, TaskType

cat = TaskType("cat", max_attempts=3, timeout=60)


@cat.task
def feed_one(event: TaskQueueEvent, context: TaskContext) -> dict[str, object]:
    """A single task."""
    return {"fed": event.input["key"]}


@cat.sub_task
def feed(event: StepFunctionTaskEvent, context: TaskContext) -> dict[str, object]:
    """One sub-task for each element of the list."""
    return {"fed": event.input["key"]}
