"""What clients ask of the API while tasks run: each request, and between them what happens in the stack."""

from typing import Any

Entry = dict[str, Any]
GOOD = {"return": "good"}
LIST = [GOOD, {"refuse until run": 1}, {"return characters": 4200}]


def ask(method: str, path: str, body: Any = None, *, by: str = "alice", **more: Any) -> Entry:
    """``{n}`` is type and code of the n-th task, ``{upload}`` and ``{cursor}`` are what was answered last."""
    given = {"by": by, "method": method, "path": path, "body": body, **more}
    return {"ask": {name: value for name, value in given.items() if value is not None}}


def happens(*act: Any) -> Entry:
    """``run``, ``until`` a status, ``pass`` seconds, ``put`` an upload, ``send`` a message, or ``keep`` the state."""
    return {"happens": list(act)}


def create(kind: str, given: Any, **more: Any) -> Entry:
    """Create a task of type cat."""
    path = {"TASK": "/tasks", "SFN_TASK": "/tasks/step-function-task"}[kind]
    return ask("POST", path, {"taskType": "cat", **given}, **more)


KEY = {"idempotency-key": "a key"}
STORY: list[Entry] = [
    create("TASK", {"input": GOOD, "name": "the first"}, headers=KEY),
    create("TASK", {"input": GOOD, "name": "the first"}, headers=KEY),
    create("TASK", {"input": 2}, headers=KEY),
    create("TASK", {"input": GOOD, "name": "one\nline"}),
    create("TASK", {"input": GOOD, "tenantCode": "acme"}),
    happens("pass", 1),
    create("TASK", {"input": {"refuse until run": 1, "padding": "p" * 4200}}),
    happens("pass", 1),
    create("SFN_TASK", {"input": LIST}),
    happens("pass", 1),
    ask("POST", "/uploads", {"format": "jsonl"}),
    happens("put", "{upload}", "1\n2\n3\n"),
    ask("POST", "/tasks/step-function-task", {"taskType": "cat", "inputRef": "{upload}"}),
    ask("GET", "/tasks/{0}"),
    ask("GET", "/tasks/{2}"),
    ask("GET", "/tasks/{2}/sub-tasks"),
    ask("GET", "/tasks/{2}/chunks"),
    ask("GET", "/tasks/{2}/results"),
    happens("send", "not JSON"),
    happens("until", "{2}", "STARTED"),
    happens("keep"),
    happens("until", "{2}", "PROCESSING"),
    happens("keep"),
    ask("GET", "/tasks/{2}"),
    ask("GET", "/tasks/{2}/chunks", query={"limit": 1}),
    ask("GET", "/tasks/{2}/chunks", query={"limit": 1, "cursor": "{cursor}"}),
    happens("run"),
    ask("GET", "/tasks/{0}"),
    ask("GET", "/tasks/{1}"),
    ask("GET", "/tasks/{2}"),
    ask("GET", "/tasks/{3}"),
    ask("GET", "/tasks/{2}/chunks"),
    ask("GET", "/tasks/{2}/results"),
    ask("GET", "/tasks/{3}/results"),
    ask("GET", "/tasks/{3}/results", headers={"origin": "https://example.com"}),
    ask("GET", "/tasks/{2}/sub-tasks", query={"limit": 2}),
    ask("GET", "/tasks/{2}/sub-tasks", query={"limit": 2, "cursor": "{cursor}"}),
    ask("GET", "/tasks/{2}/sub-tasks", query={"status": "FAILED"}),
    ask("GET", "/tasks", query={"limit": 2}),
    ask("GET", "/tasks", query={"limit": 2, "cursor": "{cursor}"}),
    ask("GET", "/tasks", query={"status": "FAILED", "limit": 1}),
    ask("GET", "/tasks", query={"status": "FAILED", "limit": 1, "cursor": "{cursor}"}),
    ask("GET", "/tasks", query={"kind": "SFN_TASK", "taskType": "cat", "limit": 1}),
    ask("GET", "/tasks", query={"kind": "SFN_TASK", "taskType": "cat", "limit": 1, "cursor": "{cursor}"}),
    ask("GET", "/tasks", query={"cursor": "none"}),
    ask("GET", "/tasks/{0}", by="bob"),
    ask("GET", "/task-types"),
    ask("GET", "/openapi.json", by="nobody"),
    ask("POST", "/tasks/{1}/retry", by="dave"),
    ask("POST", "/tasks/{0}/retry"),
    happens("keep"),
    ask("POST", "/tasks/{1}/retry"),
    ask("POST", "/tasks/{2}/retry", by="carol"),
    ask("POST", "/tasks/{2}/cancel"),
    ask("POST", "/tasks/{0}/cancel"),
    ask("POST", "/tasks/{2}/retry"),
    happens("run"),
    ask("GET", "/tasks/{1}"),
    ask("GET", "/tasks/{2}"),
    ask("GET", "/tasks/{2}/sub-tasks"),
]
