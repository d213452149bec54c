"""What a test does with a running cloud: it creates tasks through the HTTP API and waits for what becomes of them."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from serverless_tasks.core.dynamodb.attribute_values import decode_item, encode_item

from local import deployment
from local.cloud import Connection
from local.http import Answer, request

Json = dict[str, Any]
T = TypeVar("T")

SECONDS = 180.0
"""How long anything may take, unless a test says more: long enough where other tests have the machine's cores."""
POLL_SECONDS = 0.05
BUSY = 429
"""As many functions run as the account, here the engine, allows."""
ENDED = ("COMPLETED", "FAILED", "CANCELLED")
TASKS_SHOWN = 8
"""In the report of a test that failed, before all those that are not complete."""
LOG_LINES = 12
"""Of each function, in the report of a test that failed."""
LINE_LENGTH = 1000


class Driver:
    """A client of the API that remembers the tasks it saw, for the report of a test that fails."""

    def __init__(self, cloud: Connection) -> None:
        self.cloud = cloud
        self._seen: dict[str, Json] = {}

    # ---------------------------------------------------------------------------------------- requests

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Call the API, as alice unless ``user`` says otherwise; any status is an answer, but one that says: later."""

        def answered() -> Answer | None:
            answer = self.cloud.request(method, path, body, **options)
            return None if answer.status == BUSY else answer

        return self.until(answered, f"the API has time for {method} {path}")

    def create(self, task_type: str, given: Any, *, name: str | None = None, **options: Any) -> Json:
        """Create a single task."""
        return self._create("/tasks", task_type, given, name, options)

    def fan_out(self, task_type: str, given: Sequence[Any], *, name: str | None = None, **options: Any) -> Json:
        """Create a Step Functions task."""
        return self._create("/tasks/step-function-task", task_type, given, name, options)

    def upload(self, content: bytes, written: str = "jsonl", **options: Any) -> Json:
        """Ask for an upload and put the content there; returns what was answered."""
        upload: Json = _body(self.call("POST", "/uploads", {"format": written}, **options), 201)
        _body(put(upload, content), 200)
        return upload

    def fan_out_of(self, task_type: str, upload: Json, **options: Any) -> Json:
        """Create a Step Functions task of an upload."""
        body = {"taskType": task_type, "inputRef": upload["inputRef"]}
        return self._saw(_body(self.call("POST", "/tasks/step-function-task", body, **options), 201))

    def look(self, task: Json, **options: Any) -> Json:
        """The task as it is now."""
        return self._saw(_body(self.call("GET", path_of(task), **options), 200))

    def cancel(self, task: Json, **options: Any) -> Answer:
        """Ask to stop the task."""
        return self.call("POST", f"{path_of(task)}/cancel", **options)

    def retry(self, task: Json, **options: Any) -> Answer:
        """Ask for a new run of the task."""
        return self.call("POST", f"{path_of(task)}/retry", **options)

    def sub_tasks(self, task: Json, limit: int = 100, **filters: Any) -> list[Json]:
        """All sub-tasks, page by page."""
        return list(self.pages(f"{path_of(task)}/sub-tasks", limit=limit, **filters))

    def pages(self, path: str, user: str = "alice", **parameters: Any) -> Iterator[Json]:
        """The items of all pages of a list."""
        while True:
            page = _body(self.call("GET", f"{path}?{urlencode(parameters)}", user=user), 200)
            assert len(page["items"]) <= parameters["limit"]
            yield from page["items"]
            if "cursor" not in page:
                return
            parameters["cursor"] = page["cursor"]

    def _create(self, path: str, task_type: str, given: Any, name: str | None, options: Json) -> Json:
        body = {"taskType": task_type, "input": given, **({"name": name} if name else {})}
        return self._saw(_body(self.call("POST", path, body, **options), 201))

    # ----------------------------------------------------------------------------------------- waiting

    def wait(self, task: Json, *statuses: str, seconds: float = SECONDS) -> Json:
        """The task once it has one of the statuses, by default once it has ended."""
        wanted = statuses or ENDED
        user = "bob" if task["tenantCode"] == "acme" else "alice"

        def found() -> Json | None:
            now = self.look(task, user=user)
            assert now["status"] in wanted or now["status"] not in ENDED, f"it is {now['status']}, not {wanted}"
            return now if now["status"] in wanted else None

        return self.until(found, f"{task['id']} is one of {wanted}", seconds)

    def run(self, task_type: str, given: Any, **options: Any) -> Json:
        """A single task, ended."""
        return self.wait(self.create(task_type, given, **options))

    def run_fan_out(self, task_type: str, given: Sequence[Any], **options: Any) -> Json:
        """A Step Functions task, ended."""
        return self.wait(self.fan_out(task_type, given, **options))

    def until(self, condition: Callable[[], T | None], what: str, seconds: float = SECONDS) -> T:
        """What ``condition`` gives, once it gives something."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
            time.sleep(POLL_SECONDS)
        return found

    # ---------------------------------------------------------------------------------------- the rest

    def item(self, task: Json) -> Json:
        """The task's item in the table."""
        pk, _, sk = task["id"].rpartition(f"#{task['type']}#")
        key = encode_item({"pk": pk, "sk": f"{task['type']}#{sk}"})
        table = self.cloud.stack["tableName"]
        found = self.cloud.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
        return decode_item(found["Item"])

    def function_name(self, function: str) -> str:
        """The deployed name of a function, by its name in the template."""
        return deployment.resources(self.cloud.client, self.cloud.stack["stackName"])[function][1]

    def set_timeouts(self, **seconds: int) -> None:
        """Shorten functions' timeouts: a lease lasts as long as its worker can, and no test waits for 15 minutes."""
        for function, timeout in seconds.items():
            name = self.function_name(function)
            self.cloud.client("lambda").update_function_configuration(FunctionName=name, Timeout=timeout)

    def log_lines(self, function: str, since: float = 0) -> list[str]:
        """What a function has logged since a time (seconds since 1970)."""
        logs = self.cloud.client("logs")
        group = deployment.log_group(self.cloud.client, self.function_name(function))
        try:
            found = logs.filter_log_events(logGroupName=group, startTime=int(since * 1000))
        except logs.exceptions.ResourceNotFoundException:  # not called yet
            return []
        return [event["message"].rstrip() for event in found["events"]]

    def account(self) -> str:
        """The tasks this driver saw, as it last saw them, and the ends of the logs: why a test failed."""
        unlucky_last = sorted(self._seen.values(), key=lambda task: task["status"] != "COMPLETED")
        tasks = "\n".join(json.dumps(_shortened(task)) for task in unlucky_last[-TASKS_SHOWN:])
        log_files = sorted((self.cloud.directory / "logs").glob("*.log"))
        return "\n\n".join([tasks, *(f"--- {file.stem}\n" + "\n".join(_tail(file)) for file in log_files)])

    def _saw(self, task: Json) -> Json:
        self._seen[task["id"]] = task
        return task


def path_of(task: Mapping[str, Any]) -> str:
    """Path of a task in the API."""
    return f"/tasks/{task['type']}/{task['code']}"


def statuses_of(task: Json) -> list[str]:
    """The statuses of the task's history, oldest first."""
    return [entry["status"] for entry in task["history"]]


def counters_of(task: Json) -> tuple[int, int, int, int]:
    """Count, succeeded, failed, running."""
    names = ("subTaskCount", "subTaskSucceedCount", "subTaskFailedCount", "subTaskRunningCount")
    count, succeeded, failed, running = (task["attributes"][name] for name in names)
    return count, succeeded, failed, running


def put(upload: Json, content: bytes) -> Answer:
    """Do what an upload says, by a plain PUT, without a token."""
    return request("PUT", upload["url"], content, headers=upload["headers"])


def follow(url: str) -> Any:
    """What a link leads to, by a plain GET."""
    return _body(request("GET", url), 200)


def _body(answer: Answer, status: int) -> Any:
    assert answer.status == status, str(answer)[:2000]
    return answer.body


def _tail(file: Path) -> list[str]:
    """The last lines of a log, without those that say of every call when it began and ended."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line[:LINE_LENGTH] for line in lines if not _FRAME.match(line)][-LOG_LINES:]


_FRAME = re.compile(r"\S+ (START|END|REPORT) RequestId")


def _shortened(task: Json) -> Json:
    return {name: value if len(json.dumps(value)) <= 2000 else "…" for name, value in task.items()}
