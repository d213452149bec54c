"""`tasks watch`: how often it looks, what it shows, how it ends."""

import json
from io import StringIO

import pytest
from rich.console import Console
from tasks_cli import bar, watching
from tasks_cli.api import Ref

from tests.support.fake_api import fan_out, task

pytestmark = pytest.mark.usefixtures("signed_in")

REF = "cat/01KAFSV4XG4DXWKE1B8G6F0J2T"
TASK = f"/tasks/{REF}"


@pytest.mark.parametrize(("status", "code"), [("COMPLETED", 0), ("FAILED", 1), ("CANCELLED", 1)])
def test_the_exit_code_says_how_the_task_ended(api, tasks, slept, status, code):
    api.says("GET", TASK, task(status))
    assert tasks("watch", REF).exit_code == code
    assert slept == []


def test_each_change_is_a_line_for_programs(api, tasks, slept):
    states = [fan_out(), fan_out(succeeded=2), fan_out("COMPLETED", 4)]
    api.says("GET", TASK, states[0], states[0], states[1], states[1], states[2])
    done = tasks("watch", REF, "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()] == states


def test_each_tenth_is_a_line_where_there_is_no_terminal(api, tasks, slept):
    states = [fan_out(succeeded=n, count=1000) for n in (0, 50, 150, 199, 200)]
    api.says("GET", TASK, *states, fan_out("COMPLETED", 1000, count=1000))
    done = tasks("watch", REF)
    assert [line.split(" of ")[0] for line in done.stderr.splitlines()] == [
        f"{REF} PROCESSING 0 succeeded, 1,000 running",
        f"{REF} PROCESSING 150 succeeded, 850 running",
        f"{REF} PROCESSING 200 succeeded, 800 running",
        f"{REF} COMPLETED 1,000 succeeded",
    ]


def test_it_slows_down_while_nothing_changes_and_hurries_when_something_does(api, tasks, slept):
    same, changed = fan_out(), fan_out(succeeded=1)
    api.says("GET", TASK, *[same] * 12, changed, fan_out("COMPLETED", 4))
    tasks("watch", REF)
    assert slept[0] == watching.SOONEST
    assert slept[:11] == sorted(slept[:11])
    assert slept[10] == watching.LATEST
    assert slept[12] == watching.SOONEST


def test_an_unchanged_task_is_not_sent_again(api, tasks, slept):
    api.says("GET", TASK, fan_out(), (200, fan_out(), {"ETag": '"1"'}), (304, None), fan_out("COMPLETED", 4))
    assert tasks("watch", REF).exit_code == 0
    assert [asked.headers.get("If-None-Match") for asked in api.asked] == [None, None, '"1"', '"1"']


def test_links_that_are_signed_anew_are_no_change(api, tasks, slept):
    api.says("GET", TASK, *[task(inputUrl=f"https://b.example.com/{n}") for n in range(3)], task("COMPLETED", 3))
    assert len(tasks("watch", REF, "--json").stdout.splitlines()) == 2


def test_a_failed_fan_out_names_its_error_and_the_first_failed_sub_tasks(api, tasks):
    error = {"type": "SubTasksFailed", "message": "7 of 9 failed"}
    api.says("GET", TASK, fan_out("FAILED", 2, 7, 9, attributes={"error": error}))
    failed = {"index": 3, "attempt": 2, "status": "FAILED", "attributes": {"error": {"type": "E", "message": "no"}}}
    api.says("GET", f"{TASK}/sub-tasks", {"items": [failed] * 5, "cursor": "more"})
    done = tasks("watch", REF)
    assert done.exit_code == 1
    assert f"FAILED {REF} SubTasksFailed: 7 of 9 failed" in done.stderr
    assert done.stderr.count("#3, attempt 2: E: no") == 5
    assert f"2 more: tasks sub-tasks {REF} --status FAILED" in done.stderr
    assert api.asked[-1].query == {"limit": "5", "status": "FAILED"}


def test_ctrl_c_stops_watching_and_says_how_to_go_on(api, tasks, monkeypatch):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "sleep", interrupted)
    api.says("GET", TASK, fan_out())
    done = tasks("watch", REF, "--profile", "default")
    assert done.exit_code == 130
    assert f"  tasks watch {REF} --profile default\n" in done.stderr
    assert [asked.method for asked in api.asked] == ["GET"]  # the task is left alone


def test_a_lost_api_is_no_lost_task(api, tasks, slept):
    api.says("GET", TASK, fan_out(), (503, {"message": "Service Unavailable"}))
    done = tasks("watch", REF)
    assert done.exit_code == 4
    assert f"  tasks watch {REF}\n" in done.stderr


def on_a_terminal(width, *states):
    """What is seen of a task at the end."""
    console = Console(file=StringIO(), force_terminal=True, width=width, color_system=None)
    with bar.shown(console, states[0]) as view:
        for state in states:
            view(state)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 120])
def test_the_bar_fits_the_terminal(width):
    seen = on_a_terminal(width, fan_out("CREATED"), fan_out(succeeded=2, failed=1), fan_out("FAILED", 3, 1))
    assert "3 succeeded, 1 failed" in seen
    assert "100%" in seen
    assert "FAILED" in seen


def test_a_single_task_shows_its_progress_and_its_attempts():
    seen = on_a_terminal(80, task("PROCESSING", attributes={"progress": 0.5}))
    assert "50%" in seen
    assert "PROCESSING  attempt 1" in seen
    late = on_a_terminal(100, task("ERRORED", nextAttemptAt="2026-01-01T00:01:00.000Z"))
    assert "attempt 1 failed, the next is at 2026-01-01T00:01:00.000Z" in late


def test_without_a_terminal_each_line_says_how_far_a_single_task_is():
    console = Console(file=StringIO(), width=100, color_system=None)
    with bar.shown(console, task("PROCESSING")) as view:
        for progress in (0.0, 0.31, 0.34, 0.8):
            view(task("PROCESSING", attributes={"progress": progress}))
    lines = [line.partition(" ")[2] for line in console.file.getvalue().splitlines()]
    assert lines == ["PROCESSING attempt 1", "PROCESSING attempt 1 31%", "PROCESSING attempt 1 80%"]


def test_what_is_neither_done_nor_running_is_waiting():
    attributes = {"subTaskCount": 9, "subTaskSucceedCount": 1, "subTaskFailedCount": 0, "subTaskRunningCount": 0}
    seen = on_a_terminal(80, task("STARTED", kind="SFN_TASK", attributes=attributes))
    assert "1 succeeded, 8 waiting of 9" in seen


def test_the_path_of_a_task_is_escaped():
    assert Ref("a/b", "c?d").path == "/tasks/a%2Fb/c%3Fd"
