"""`tasks` against the local cloud: on a terminal, as a person sees it, and with pipes, as a script does."""

import json
import shlex
import subprocess

import pytest

from tests.support.terminal import COMMAND, environment, piped, terminal

SOME = 200
"""Lines of the file that is fanned out."""


@pytest.fixture
def home(fork, forked, tmp_path):
    """A directory below the fork, from which its local cloud is found."""
    directory = fork.root / "work" / tmp_path.name
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def run(home):
    """Run `tasks` with pipes."""

    def piped_here(*arguments, **more):
        return piped(home, *map(str, arguments), **more)

    return piped_here


def ref(task):
    return f"{task['type']}/{task['code']}"


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_file_is_fanned_out_with_a_live_bar(home):
    """GIVEN a CSV; WHEN it is fanned out on a terminal; THEN a bar moves to 100 %, and it exits with 0."""
    (home / "cats.csv").write_text("key\n" + "fish\n" * SOME, encoding="utf-8")
    with terminal(home, "fan-out", "cats.csv", "--type", "cat", "--name", "Cats") as there:
        there.until("━")
        assert there.end() == 0
    assert f"{SOME} succeeded of {SOME}" in there.seen
    assert "100%" in there.seen
    assert "COMPLETED cat/" in there.seen
    assert "\x1b[32m" in there.raw


def test_the_bar_stands_where_the_task_is(home, tasks):
    """GIVEN a fan-out of which one sub-task holds on; WHEN it is watched; THEN the bar is at all the others."""
    task = tasks.fan_out("probe", [*[{"do": "echo"}] * 15, {"do": "hold"}])
    with terminal(home, "watch", ref(task)) as there:
        there.until("94%")
        tasks.cancel(task)
        assert there.end() == 1
    assert "15 succeeded" in there.seen
    assert "CANCELLED" in there.seen


def test_a_failed_task_is_exit_code_1_and_its_error(run, tasks):
    """GIVEN sub-tasks of which some fail; WHEN they are watched; THEN 1, the error, and the first that failed."""
    task = tasks.fan_out("once", [{"do": "echo"}, {"do": "fail", "message": "not fish again"}, {"do": "echo"}])
    done = run("watch", ref(task))
    assert done.returncode == 1
    assert f"FAILED {ref(task)} SubTasksFailed: 1 of 3" in done.stderr
    assert "#1, attempt 1: ValueError: not fish again" in done.stderr
    assert done.stdout == ""
    single = run("create", "once", "--input", '{"do": "give up"}', "--wait", "--json")
    assert single.returncode == 1
    assert json.loads(single.stdout)["status"] == "FAILED"
    assert "PermanentError: told to give up" in single.stderr


def test_ctrl_c_stops_watching_and_not_the_task(home, run, tasks):
    """GIVEN a task that runs; WHEN its watch is interrupted; THEN 130, how to go on, and the task runs on."""
    task = tasks.create("probe", {"do": "hold"})
    with terminal(home, "watch", ref(task), "--user", "alice") as there:
        there.until("PROCESSING")
        there.interrupt()
        assert there.end() == 130
    assert f"tasks watch {ref(task)} --user alice" in there.seen
    assert "Traceback" not in there.seen
    assert tasks.look(task)["status"] == "PROCESSING"

    stopped = run("cancel", ref(task))
    assert (stopped.returncode, stopped.stdout) == (0, f"{ref(task)} CANCELLED\n")
    assert run("watch", ref(task)).returncode == 1
    again = run("cancel", ref(task))
    assert again.returncode == 2
    assert "CANCELLED" in again.stderr


def test_a_retry_is_watched_to_its_end(run, tasks):
    """GIVEN a fan-out that fails in its first run only; WHEN it is retried; THEN it completes, in run 1."""
    task = tasks.run_fan_out("once", [{"do": "echo"}, {"do": "fail", "runs": 1}])
    done = run("retry", *ref(task).split("/"), "--watch", "--json")
    assert done.returncode == 0
    states = lines(done.stdout)
    assert (states[0]["status"], states[-1]["status"], states[-1]["run"]) == ("CREATED", "COMPLETED", 1)


def test_results_are_all_there_in_order(run, tasks, home):
    """GIVEN small and large results; WHEN they are fetched; THEN each is a line, in the order of the input."""
    orders = [{"do": "return", "bytes": 5000 if 40 <= index < 60 else 10} for index in range(120)]
    task = tasks.run_fan_out("probe", orders)
    done = run("results", ref(task), "-o", "results.jsonl")
    assert (done.returncode, done.stderr) == (0, "120 lines in results.jsonl\n")
    found = (home / "results.jsonl").read_text(encoding="utf-8")
    assert [line["index"] for line in lines(found)] == list(range(120))
    assert [len(line["result"]) for line in lines(found)] == [order["bytes"] - 2 for order in orders]
    assert run("results", ref(task)).stdout == found
    assert len(json.loads(run("results", ref(task), "--json").stdout)["items"]) > 1


def test_programs_get_what_the_api_answers(run, tasks):
    """GIVEN a task; WHEN it is asked for with --json; THEN the output is the API's answer."""
    task = tasks.run_fan_out("probe", [{"do": "echo", "value": 1}, {"do": "echo", "value": 2}])
    assert json.loads(run("show", ref(task), "--json").stdout) == tasks.look(task)
    listed = json.loads(run("list", "--type", "probe", "--kind", "SFN_TASK", "--limit", 1, "--json").stdout)["items"]
    assert [item["type"] for item in listed] == ["probe"]
    sub_tasks = json.loads(run("sub-tasks", ref(task), "--all", "--json").stdout)["items"]
    assert sub_tasks == tasks.sub_tasks(task)


def test_another_tenants_task_is_none(run, tasks):
    """GIVEN a task of mbc; WHEN bob of acme asks for it; THEN there is none, and nobody can be eve."""
    task = tasks.create("probe", {"do": "echo"})
    assert run("show", ref(task), "--user", "bob").returncode == 2
    assert run("show", ref(task), "--user", "eve").returncode == 2


def test_a_reader_that_goes_away_is_no_error(tasks, home):
    """GIVEN a long output; WHEN its reader has seen enough; THEN the command ends without a word."""
    task = tasks.run_fan_out("tolerant", [{"do": "echo", "value": "x" * 1000}] * 400)
    shell = ["sh", "-c", f"{shlex.join([*COMMAND, 'results', ref(task)])} | head -n 1"]
    done = subprocess.run(shell, cwd=home, env=environment(), capture_output=True, text=True, check=True)
    assert (len(lines(done.stdout)), done.stderr) == (1, "")


def test_signing_in_to_the_pool(home, run, forked, tasks):
    """GIVEN a user with a password; WHEN they sign in on a terminal; THEN commands are theirs, until they sign out."""
    config = {"TASKS_CONFIG_DIR": str(home / "config")}
    alice = next(user for user in forked.stack["users"] if user["username"] == "alice")
    with terminal(home, "login", "--stack", "local", "--profile", "mine", more=config) as there:
        there.until("User name: ")
        there.type("alice\n")
        there.until("Password: ")
        there.type(f"{alice['password']}\n")
        assert there.end() == 0
    assert alice["password"] not in there.seen
    assert "as alice" in there.seen
    task = tasks.create("probe", {"do": "echo"})
    mine = {**config, "TASKS_PROFILE": "mine"}
    assert json.loads(run("show", ref(task), "--json", **mine).stdout)["code"] == task["code"]

    saved = home / "config" / "mine.json"
    profile = json.loads(saved.read_text(encoding="utf-8"))
    saved.write_text(json.dumps({**profile, "id_token": ""}), encoding="utf-8")
    assert run("show", ref(task), **mine).returncode == 0  # refreshed
    assert json.loads(saved.read_text(encoding="utf-8"))["id_token"]
    assert run("logout", **mine).returncode == 0
    assert run("show", ref(task), **mine).returncode == 3


def test_a_wrong_password_is_exit_code_3(home):
    """GIVEN a wrong password; WHEN it signs in; THEN 3, and nothing is kept."""
    config = {"TASKS_CONFIG_DIR": str(home / "config")}
    with terminal(home, "login", "--stack", "local", "--user", "alice", more=config) as there:
        there.until("Password: ")
        there.type("wrong\n")
        assert there.end() == 3
    assert "Incorrect username or password" in there.seen
    assert not (home / "config").exists()


def test_the_first_time_asks_for_a_new_password(home, forked):
    """GIVEN a user with the administrator's password; WHEN they sign in; THEN they choose one of their own."""
    stack = forked.stack
    forked.client("cognito-idp").admin_create_user(
        UserPoolId=stack["userPoolId"],
        Username="dave",
        TemporaryPassword="For-the-first-1",
        UserAttributes=[{"Name": "custom:tenant", "Value": "mbc"}],
        MessageAction="SUPPRESS",
    )
    config = {"TASKS_CONFIG_DIR": str(home / "config")}
    with terminal(home, "login", "--stack", "local", "--user", "dave", more=config) as there:
        for question, answer in (
            ("Password: ", "For-the-first-1"),
            ("new password: ", "My-own-one-12"),
            ("again: ", "My-own-one-12"),
        ):
            there.until(question)
            there.type(f"{answer}\n")
        assert there.end() == 0
    assert "Signed in" in there.seen
