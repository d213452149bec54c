"""A fork's own task type with sub-tasks."""

from serverless_tasks import StepFunctionTaskEvent, TaskContext, TaskType

whisper = TaskType("whisper")


@whisper.sub_task
def whisper_it(event: StepFunctionTaskEvent, context: TaskContext) -> str:
    """One sub-task."""
    return f"{event.index}: {event.input['word'].lower()}"
