"""A fork's own task type with a single task."""

from serverless_tasks import TaskContext, TaskQueueEvent, TaskType

shout = TaskType("shout")


@shout.task
def shout_it(event: TaskQueueEvent, context: TaskContext) -> str:
    """A single task."""
    return f"{event.input['word'].upper()}!"
