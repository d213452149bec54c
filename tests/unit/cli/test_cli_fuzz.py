"""Odd arguments, odd answers and odd outputs end with a message and an exit code, never with a fault of the command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tasks_cli import watching
from tasks_cli.errors import Exit

from tests.support.fake_api import fan_out, task

CODE = task()["code"]
WHERE = f"cat/{CODE}"
OURS = {Exit.DONE, Exit.ENDED_BADLY, Exit.BAD_INPUT, Exit.NOT_ALLOWED, Exit.UNREACHABLE, Exit.INTERRUPTED}
ODD: list[Any] = [None, True, 0, -1, 1e308, 10**400, "", "x", "\udcff", "\u202e\x9b[2J", [], {}, [None], {"": []}]
ODD_TIMES = ["0001-01-01T00:00:00.000+14:00", "2026-13-01", "9999-12-31T23:59:59.999-14:00"]
ENTRY = {"status": "CREATED", "at": "2026-01-01T00:00:00.000Z", "attempt": 0, "by": "ann", "reason": "because"}
ENDED = fan_out("FAILED", 2, 2, history=[ENTRY], attributes={"error": {"type": "E", "message": "m"}, "result": [1]})
SUB_TASK = {
    "index": 0,
    "status": "FAILED",
    "attempt": 1,
    "startedAt": "2026-01-01T00:00:00.000Z",
    "finishedAt": "2026-01-01T00:00:00.000Z",
    "attributes": {"error": {"type": "E", "message": "m"}},
}
TYPES = {"items": [{"taskType": "cat", "kinds": ["TASK"], "description": "d"}], "complete": True}
LINKS = {"items": [{"url": "https://bucket.example.com/r", "first": 0, "count": 1}], "expiresAt": "x"}
COMMANDS: dict[str, tuple[list[str], str, str, Any]] = {
    "list": (["list"], "GET", "/tasks", {"items": [task(), ENDED]}),
    "list --json": (["list", "--json", "--all"], "GET", "/tasks", {"items": [task()]}),
    "show": (["show", WHERE], "GET", f"/tasks/{WHERE}", task(nextAttemptAt="2026-01-01T00:00:00.000Z")),
    "show a list": (["show", WHERE], "GET", f"/tasks/{WHERE}", ENDED),
    "watch": (["watch", WHERE], "GET", f"/tasks/{WHERE}", ENDED),
    "sub-tasks": (["sub-tasks", WHERE], "GET", f"/tasks/{WHERE}/sub-tasks", {"items": [SUB_TASK]}),
    "task-types": (["task-types"], "GET", "/task-types", TYPES),
    "results": (["results", WHERE], "GET", f"/tasks/{WHERE}/results", LINKS),
    "create": (["create", "cat", "--input", "1"], "POST", "/tasks", task()),
    "cancel": (["cancel", WHERE], "POST", f"/tasks/{WHERE}/cancel", task("CANCELLED")),
    "fan-out": (["fan-out", "cats.csv", "--type", "cat"], "POST", "/uploads",
                {"inputRef": "uploads/mbc/x.csv", "url": "https://bucket.example.com/u", "headers": {"A": "b"}}),
}  # fmt: skip
FUZZED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def impatient(monkeypatch):
    """A user who types Ctrl-C instead of waiting: a status may be one that never ends."""

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "sleep", interrupt)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of everything in a JSON value, itself first."""
    yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*path, key))


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """A copy whose part at this path was changed."""
    whole = json.loads(json.dumps([value]))
    holder, key = whole, 0
    for step in path:
        holder, key = holder[key], step
    change(holder, key)
    return whole[0] if whole else None


def put(odd: Any) -> Callable[[Any, Any], None]:
    return lambda holder, key: holder.__setitem__(key, odd)


def ready(api, home):
    (home / "cats.csv").write_text("key\n1\n")
    api.answers.clear()
    api.says("GET", f"/tasks/{WHERE}", ENDED)
    api.says("GET", f"/tasks/{WHERE}/sub-tasks", {"items": [SUB_TASK]})
    api.says("POST", "/tasks/step-function-task", ENDED)


@pytest.mark.parametrize("command", COMMANDS)
@FUZZED
@given(data=st.data())
@pytest.mark.usefixtures("signed_in", "impatient")
def test_no_answer_is_too_odd(api, tasks, home, command, data):
    arguments, method, path, good = COMMANDS[command]
    ready(api, home)
    where = data.draw(st.sampled_from(list(places(good))))
    odd = data.draw(st.sampled_from([*ODD, *ODD_TIMES, "leave out"]))
    change = put(odd) if odd != "leave out" else lambda holder, key: holder.__delitem__(key)
    status = data.draw(st.sampled_from([200, 200, 200, 201, 400, 500]))
    api.says(method, path, (status, changed(good, where, change)))

    done = tasks(*arguments)

    assert done.exit_code in OURS, (where, odd, done.stderr)
    assert not set("\u202e\x9b") & set(done.output)


ARGUMENTS = st.sampled_from(
    [
        *("list", "show", "create", "results", "watch", "fan-out", "sub-tasks", "cat", "cat/x", WHERE, "a/b/c", "/"),
        *("--input", "1e400", "--input=" + "9" * 5000, "--input=" + "[" * 100_000, "--input=@", "--input=@."),
        *("--input=\udcff", "--limit", "0", "100000000000000000000", "-1", "--status", "FAILED", "--all", "--json"),
        *("--debug", "--name", "\udcff", "\u202e", "", "--", "-", "--output=/", "--output=x/y", "cats.csv", "--type"),
        *("x" * 5000, "--stack", "local", "--help"),
    ]
)


@settings(FUZZED, max_examples=60)
@given(arguments=st.lists(ARGUMENTS, min_size=1, max_size=6))
@pytest.mark.usefixtures("signed_in", "impatient")
def test_no_arguments_are_too_odd(api, tasks, home, arguments):
    ready(api, home)
    api.says("GET", "/tasks", {"items": []})
    done = tasks(*arguments)
    assert done.exit_code in OURS, (arguments, done.stderr)


@pytest.mark.parametrize("given", ["1e400", "-1e400", "[1e999]"])
@pytest.mark.usefixtures("signed_in")
def test_a_number_that_is_too_large_is_no_input(tasks, given):
    done = tasks("create", "cat", f"--input={given}")
    assert (done.exit_code, "is too large" in done.stderr) == (2, True)


@pytest.mark.usefixtures("signed_in")
def test_a_limit_that_is_too_large_is_refused(tasks):
    done = tasks("list", "--limit", "100000000000000000000")
    assert (done.exit_code, "1000000000" in done.stderr) == (2, True)


@pytest.mark.usefixtures("signed_in")
def test_a_page_that_is_followed_by_itself_ends(api, tasks):
    api.says("GET", "/tasks", {"items": [], "cursor": "c"})
    assert tasks("list", "--all").exit_code == 4


SCRIPT = """
import sys
from tasks_cli import main, transport
from tests.support.fake_api import FakeApi, task
api = FakeApi()
api.says("GET", "/tasks", {"items": [task()] * 3})
transport.adapter = lambda retry: api
sys.argv = ["tasks", *sys.argv[1:]]
main.main()
"""


@pytest.mark.parametrize(
    ("redirection", "arguments", "code", "said"),
    [
        (">/dev/full", "list", 74, "the output cannot be written: No space left on device"),
        (">/dev/full", "--help", 74, "the output cannot be written: No space left on device"),
        (">&-", "list", 74, "the output cannot be written: Bad file descriptor"),
        (">&- 2>&-", "list --json", 74, ""),
        ("2>/dev/full", "show nothing", 2, ""),
        ("<&-", "create cat --input -", 2, "is not JSON"),
    ],
)
@pytest.mark.usefixtures("signed_in")
def test_outputs_that_cannot_be_written_are_named(redirection, arguments, code, said):
    shell = f'"$0" -c "$1" {arguments} {redirection}'
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C"}
    done = subprocess.run(["sh", "-c", shell, sys.executable, SCRIPT], env=env, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.usefixtures("signed_in")
def test_what_a_terminal_would_obey_is_escaped_in_json(api, tasks):
    name = "\u202egnp.exe\x9b2J\u2066"
    api.says("GET", "/tasks", {"items": [task(name=name)]})
    api.says("GET", f"/tasks/{WHERE}", task(name=name, input={name: name}))
    for arguments in (["list"], ["list", "--json"], ["show", WHERE], ["show", WHERE, "--json"]):
        done = tasks(*arguments, COLUMNS="160")
        assert done.exit_code == 0
        assert not {"\u202e", "\x9b", "\u2066"} & set(done.output)
    assert json.loads(tasks("show", WHERE, "--json").stdout)["input"] == {name: name}
