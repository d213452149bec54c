"""Commands that look: lists, a task, its sub-tasks, task types."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from tasks_cli import bar

from tests.support.fake_api import fan_out, task

pytestmark = pytest.mark.usefixtures("signed_in")

CODE = "01KAFSV4XG4DXWKE1B8G6F0J2T"
TASK = f"/tasks/cat/{CODE}"
ESC = "\x1b"


def sub_task(index, status="COMPLETED", **attributes):
    times = {"startedAt": "2026-01-01T00:00:01.000Z", "finishedAt": "2026-01-01T00:00:01.250Z"}
    return {"index": index, "status": status, "attempt": 1, "attributes": attributes, **times}


def test_a_list_passes_its_filters_on(api, tasks):
    api.says("GET", "/tasks", {"items": []})
    tasks("list", "--kind", "TASK", "--type", "cat", "--status", "FAILED", "--limit", 5)
    assert api.asked[0].query == {"kind": "TASK", "taskType": "cat", "status": "FAILED", "limit": "6"}


def test_a_list_follows_short_pages_and_says_that_there_are_more(api, tasks):
    api.says("GET", "/tasks", {"items": [], "cursor": "a"}, {"items": [task()] * 2, "cursor": "b"})
    done = tasks("list", "--limit", 3, "--json")
    assert json.loads(done.stdout) == {"items": [task()] * 3}
    assert "There are more" in done.stderr
    assert [asked.query.get("cursor") for asked in api.asked] == [None, "a", "b"]


def test_all_are_all(api, tasks):
    api.says("GET", "/tasks", {"items": [task()] * 100, "cursor": "a"}, {"items": [task()]})
    done = tasks("list", "--all", "--json")
    assert len(json.loads(done.stdout)["items"]) == 101
    assert done.stderr == ""
    assert api.asked[0].query == {"limit": "100"}


def test_an_empty_list_is_json_too(api, tasks):
    api.says("GET", "/tasks", {"items": []})
    assert json.loads(tasks("list", "--json").stdout) == {"items": []}


@pytest.mark.parametrize("columns", [60, 90, 160])
def test_a_table_fits_the_terminal_and_cuts_no_address(api, tasks, columns):
    api.says("GET", "/tasks", {"items": [task("COMPLETED", name="n" * 40), fan_out(succeeded=1)]})
    done = tasks("list", COLUMNS=str(columns))
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert [line.split()[:2] for line in lines[1:]] == [[f"cat/{CODE}", "COMPLETED"], [f"cat/{CODE}", "PROCESSING"]]
    assert ("NAME" in lines[0]) == (columns == 160)
    assert "25%" in lines[2]


def test_only_single_tasks_have_attempts_of_their_own(api, tasks):
    api.says("GET", "/tasks", {"items": [task("COMPLETED", attempt=3), fan_out(attempt=0)]})
    first, second = [line.split() for line in tasks("list", COLUMNS="90").stdout.splitlines()[1:]]
    assert (first[3], len(second)) == ("3", len(first))
    for shown, has_attempts in ((task(), True), (fan_out(), False)):
        api.says("GET", TASK, shown)
        lines = [line.split() for line in tasks("show", f"cat/{CODE}").stdout.splitlines()]
        assert (["Attempt", "1"] in lines) == has_attempts
        assert ["Run", "0,", "counted", "from", "0"] in lines


@pytest.mark.parametrize(
    ("status", "lease", "updated", "said"),
    [
        ("PROCESSING", -1, -121, "(no sign of life for 2 min)"),
        ("PROCESSING", -5, -65, "(no sign of life for 65 s)"),
        ("PROCESSING", -7300, -10, "(no sign of life for 2 h)"),  # the sweeper has looked since
        ("PROCESSING", 60, -60, ""),
        ("COMPLETED", -1, -121, ""),
    ],
)
def test_a_task_whose_worker_is_silent_says_so(api, tasks, status, lease, updated, said):
    now = datetime.now(UTC)
    times = {"leaseUntil": lease, "updatedAt": updated}
    silent = task(status, **{name: (now + timedelta(seconds=s)).isoformat() for name, s in times.items()})
    api.says("GET", "/tasks", {"items": [silent]})
    api.says("GET", TASK, silent)
    for said_there in (tasks("list").stdout, tasks("show", f"cat/{CODE}").stdout):
        assert said in said_there
        assert ("no sign of life" in said_there) == bool(said)
    assert ("no sign of life" in rendered(silent)) == bool(said)


def rendered(known):
    """What a terminal shows of it that watches."""
    console = Console(force_terminal=True, width=100, file=io.StringIO())
    with bar.shown(console, known):
        pass
    return console.file.getvalue()


def test_the_reason_of_a_lost_attempt_is_that_of_the_one_before(api, tasks):
    lost = {"status": "PROCESSING", "at": "2026-01-01T00:02:30.000Z", "attempt": 2, "reason": "worker died"}
    api.says("GET", TASK, task("PROCESSING", history=[lost]))
    assert "the attempt before: worker died" in tasks("show", f"cat/{CODE}").stdout


def test_a_long_type_is_folded_and_not_cut(api, tasks):
    api.says("GET", "/tasks", {"items": [task("COMPLETED", type="t" * 64)]})
    rows = [line.split()[0] for line in tasks("list", COLUMNS="60").stdout.splitlines()[1:]]
    assert "".join(rows) == "t" * 64 + f"/{CODE}"


def test_sub_tasks_fit_the_terminal(api, tasks):
    failed = sub_task(1, "FAILED", error={"type": "ValueError", "message": "not\nfish" + " again" * 30})
    api.says("GET", f"{TASK}/sub-tasks", {"items": [sub_task(0, result={"fed": "x" * 200}), failed]})
    lines = tasks("sub-tasks", f"cat/{CODE}", COLUMNS="60").stdout.splitlines()
    assert max(map(len, lines)) <= 60
    assert [line.split()[:4] for line in lines[1:]] == [
        ["0", "COMPLETED", "1", "0.250s"],
        ["1", "FAILED", "1", "0.250s"],
    ]


def test_sub_tasks_of_a_status(api, tasks):
    api.says("GET", f"{TASK}/sub-tasks", {"items": [sub_task(3, "FAILED")]})
    done = tasks("sub-tasks", "cat", CODE, "--status", "FAILED", "--all", "--json")
    assert json.loads(done.stdout) == {"items": [sub_task(3, "FAILED")]}
    assert api.asked[0].query == {"limit": "100", "status": "FAILED"}


@pytest.mark.parametrize("where", [(f"cat/{CODE}",), ("cat", CODE)])
def test_a_task_is_shown_by_one_argument_or_two(api, tasks, where):
    error = {"type": "ValueError", "message": "not fish again"}
    api.says("GET", TASK, task("FAILED", attributes={"error": error}))
    shown = tasks("show", *where).stdout
    assert f"cat/{CODE}" in shown
    assert "ValueError: not fish again" in shown
    assert '"key": "value1"' in shown
    assert json.loads(tasks("show", *where, "--json").stdout)["attributes"] == {"error": error}


@pytest.mark.parametrize("where", [("cat",), (f"cat/{CODE}", CODE), ("cat/",), (f"/{CODE}",)])
@pytest.mark.parametrize("command", ["show", "watch", "sub-tasks", "results", "cancel", "retry"])
def test_what_is_no_task_is_refused_at_once(api, tasks, command, where):
    done = tasks(command, *where)
    assert done.exit_code == 2
    assert "must be TYPE/CODE" in done.stderr
    assert api.asked == []


def test_a_large_result_is_cut_and_a_link_is_not_shown(api, tasks):
    attributes = {"resultUrl": "https://bucket.example.com/r?X-Amz-Signature=secret"}
    api.says("GET", TASK, task("COMPLETED", input=list(range(100)), attributes=attributes))
    shown = tasks("show", f"cat/{CODE}").stdout
    assert "secret" not in shown
    assert "82 lines more" in shown


def test_nothing_that_others_wrote_steers_the_terminal(api, tasks):
    odd = f"{ESC}]0;owned\x07{ESC}[2J\x9b31m[red]"
    found = task("FAILED", name=odd, input=odd, attributes={"error": {"type": odd, "message": odd}})
    api.says("GET", TASK, found)
    api.says("GET", "/tasks", {"items": [found]})
    for arguments in (("show", f"cat/{CODE}"), ("list",), ("watch", f"cat/{CODE}")):
        done = tasks(*arguments)
        assert not {ESC, "\x07", "\x9b"} & set(done.output)
        assert "[red]" in done.output  # as it is, and no markup
    assert json.loads(tasks("show", f"cat/{CODE}", "--json").stdout) == found


def test_colours_are_for_terminals(api, tasks):
    api.says("GET", "/tasks", {"items": [task("COMPLETED")]})
    assert ESC not in tasks("list").stdout
    assert ESC in tasks("list", FORCE_COLOR="1", COLUMNS="100").stdout
    plain = tasks("list", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="100").stdout
    assert f"{ESC}[32m" not in plain


def test_task_types(api, tasks):
    known = {"items": [{"taskType": "cat", "kinds": ["TASK"], "description": "Feeds."}], "complete": False}
    api.says("GET", "/task-types", known)
    done = tasks("task-types")
    assert done.stdout.splitlines()[1].split() == ["cat", "TASK", "Feeds."]
    assert "more types" in done.stderr
    assert json.loads(tasks("task-types", "--json").stdout) == known


def test_a_deployment_that_lists_no_task_types_says_so(api, tasks):
    done = tasks("task-types")
    assert done.exit_code == 2
    assert "does not list its task types" in done.stderr


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_cancel_and_retry(api, tasks, verb):
    api.says("POST", f"{TASK}/{verb}", task("CREATED"))
    assert tasks(verb, f"cat/{CODE}").stdout == f"cat/{CODE} CREATED\n"
    assert json.loads(tasks(verb, "cat", CODE, "--json").stdout) == task("CREATED")


def test_retry_is_watched_to_the_end_of_its_own_run(api, tasks, slept):
    """The first look may still see the run before."""
    api.says("POST", f"{TASK}/retry", (202, task("CREATED", 4, run=1)))
    api.says("GET", TASK, task("FAILED", 3), task("COMPLETED", 7, run=1))
    done = tasks("retry", f"cat/{CODE}", "--watch")
    assert done.exit_code == 0
    assert len(slept) == 2
