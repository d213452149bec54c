"""Which stack a command is about."""

import json

import pytest
from tasks_cli import cognito, local_stack, main, profiles
from tasks_cli.profiles import Profile

from tests.support.fake_api import URL, token

LOCAL = "http://127.0.0.1:4566"
ALICE, BOB = ({"username": name, "password": name, "token": token(email=name)} for name in ("alice", "bob"))
STACK = {
    "endpointUrl": LOCAL,
    "apiUrl": f"{LOCAL}/base",
    "region": "us-east-1",
    "userPoolId": "us-east-1_x",
    "userPoolClientId": "client",
    "users": [ALICE, BOB],
}


@pytest.fixture
def up(home):
    """Start a local cloud that is only a file."""

    def write(**changed):
        (home / ".local").mkdir(exist_ok=True)
        (home / ".local" / "stack.json").write_text(json.dumps({**STACK, **changed}))

    return write


@pytest.fixture
def listed(api, tasks):
    """Run `tasks list` so; return the address and token that were used."""
    api.says("GET", "/tasks", {"items": []})

    def run(*arguments, **env):
        done = tasks("list", *arguments, **env)
        assert done.exit_code == 0, done.stderr
        return api.asked[-1].url.partition("/base")[0], api.asked[-1].headers["Authorization"].partition(" ")[2]

    return run


@pytest.mark.usefixtures("signed_in")
def test_the_local_cloud_comes_first_where_it_is_up(listed, up, signed_in):
    aws = (URL.removesuffix("/base"), signed_in.id_token)
    assert listed() == aws
    up()
    assert listed() == listed("--stack", "local") == (LOCAL, ALICE["token"])
    assert listed("--profile", "default") == listed(TASKS_PROFILE="default") == aws
    assert listed("--stack", "local", TASKS_PROFILE="default") == (LOCAL, ALICE["token"])


def test_it_is_found_from_below(listed, up, home, monkeypatch):
    up()
    (home / "functions" / "worker").mkdir(parents=True)
    monkeypatch.chdir(home / "functions" / "worker")
    assert listed("--user", "bob") == (LOCAL, BOB["token"])


def test_a_token_of_the_file_that_has_ended_is_made_anew_by_its_password(listed, up, monkeypatch):
    made, seen = token(email="new"), []

    def sign_in(pool, username, password, ask):
        seen.append((pool.pool_id, pool.endpoint_url, username, password))
        return cognito.Signed(made, "")

    monkeypatch.setattr(cognito, "sign_in", sign_in)
    up(users=[{**ALICE, "token": token(-1)}])
    assert listed() == (LOCAL, made)
    assert seen == [("us-east-1_x", LOCAL, "alice", "alice")]


@pytest.mark.parametrize("changed", [{"apiUrl": "https://api.example.com"}, {"endpointUrl": "http://192.0.2.1:80"}])
def test_a_local_cloud_elsewhere_is_none(api, tasks, up, changed):
    up(**changed)
    done = tasks("list")
    assert done.exit_code == 2
    assert "not on this machine" in done.stderr
    assert api.asked == []


@pytest.mark.parametrize(
    ("changed", "arguments", "said"),
    [
        ({}, ("--user", "eve"), "it has alice, bob"),
        ({"apiUrl": ""}, (), "has no HTTP API"),
        ({"users": []}, (), "no users"),
    ],
)
def test_what_a_local_cloud_lacks(api, tasks, up, changed, arguments, said):
    up(**changed)
    done = tasks("list", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_file_that_is_none(tasks, up, home):
    up()
    (home / ".local" / "stack.json").write_text("{")
    done = tasks("list")
    assert done.exit_code == 2
    assert "cannot be read" in done.stderr


def test_a_stack_is_found_by_its_name(listed):
    made = token(email="prod")
    profiles.save("prod", Profile(URL, made, stack_name="tasks-prod"))
    assert listed("--stack", "tasks-prod")[1] == made


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 3, "nobody is signed in with profile other"),
        (("--stack", "local"), 2, "make local-up"),
        (("--profile", "prod", "--stack", "tasks-dev"), 2, "profile prod is signed in to tasks-prod"),
        (("--profile", "prod", "--user", "bob"), 2, "profile prod is signed in as alice"),
    ],
)
def test_options_that_lead_nowhere(api, tasks, arguments, code, said):
    profiles.save("prod", Profile(URL, token(), username="alice", stack_name="tasks-prod"))
    done = tasks("list", *arguments, TASKS_PROFILE="other")
    assert done.exit_code == code
    assert said in done.stderr
    assert api.asked == []


def test_a_stack_without_a_session(tasks):
    done = tasks("list", "--stack", "tasks-dev")
    assert done.exit_code == 3
    assert "tasks login --stack tasks-dev" in done.stderr


def test_a_profile_of_the_local_cloud_sends_its_token_nowhere_else(api, tasks):
    profiles.save("default", Profile(URL, token(), endpoint_url=LOCAL))
    assert "not on this machine" in tasks("list").stderr
    assert api.asked == []


def a_clone(folder, *, up=False):
    (folder / "cli" / "tasks_cli").mkdir(parents=True)
    if up:
        (folder / ".local").mkdir()
        (folder / ".local" / "stack.json").write_text("{}")
    return folder


def test_a_copy_of_a_clone_does_not_lead_to_the_cloud_of_the_first_one(tmp_path, monkeypatch):
    first, copy = a_clone(tmp_path / "first", up=True), a_clone(tmp_path / "copy")
    monkeypatch.setattr(local_stack, "CLONE", first)

    monkeypatch.chdir(copy / "cli")
    assert local_stack.find() is None

    monkeypatch.chdir(tmp_path)
    assert local_stack.find() == first / ".local" / "stack.json"


def test_the_command_of_a_copied_clone_says_what_to_do(tmp_path, monkeypatch, capsys):
    first, copy = a_clone(tmp_path / "first", up=True), a_clone(tmp_path / "copy")
    monkeypatch.setattr(local_stack, "CLONE", first)
    monkeypatch.setattr("sys.argv", [str(first / ".venv" / "bin" / "tasks")])
    assert local_stack.copied() is None

    monkeypatch.setattr("sys.argv", [str(copy / ".venv" / "bin" / "tasks"), "list"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert "was copied with its .venv" in capsys.readouterr().err.replace("\n", " ")
