"""What became of everything in the end: all that owners of tasks, subscribers and handlers can tell."""

from typing import Any

from serverless_tasks import TaskEntity, TaskKind

from tests.upgrade.world import TOPICS, Json, World

STILL_OPEN = ("OPEN#", "UNTOLD#")
COUNTERS = ("subTaskCount", "subTaskSucceedCount", "subTaskFailedCount")


def outcome(world: World) -> Json:
    """The end of each task and of its sub-tasks, every call of a handler, every message, and what is left undone."""
    memory = world.memory
    return {
        "tasks": [_task(world, task) for task in world.tasks()],
        "calls": sorted(world.calls),
        **{topic: sorted(_message(message) for message in world.topics[topic]) for topic in TOPICS},
        "deadLetters": sorted([body, reason] for body, reason in memory.queue.dead_letters),
        "left": {
            "messages": len(memory.queue.messages),
            "records": len(memory.table.stream),
            "executions": len(world.running()),
            "toLookAt": sorted(i["sk"] for i in memory.table.items.values() if _is_open(i)),
        },
    }


def _task(world: World, task: TaskEntity) -> Json:
    end: Json = {
        "status": str(task.status),
        "statuses": [str(entry["status"]) for entry in task.history],
        "run": task.run,
        "attempt": task.attempt,
        "progress": task.progress,
        "result": world.service.load_result(task),
        "error": task.error,
    }
    if task.kind is TaskKind.SFN_TASK:
        end["counts"] = [task.attributes.get(name) for name in COUNTERS]
        found = world.service.list_sub_tasks(task, limit=100).items if COUNTERS[0] in task.attributes else []
        end["subTasks"] = [
            [str(s.status), s.attempt, s.attributes.get("result"), s.attributes.get("error")] for s in found
        ]
    return end


def _message(message: Json) -> str:
    content = message["content"]
    return f"{message['id']} {content.get('status') or content['errorMessage']}"


def _is_open(item: dict[str, Any]) -> bool:
    return str(item.get("attention", "")).startswith(STILL_OPEN)
