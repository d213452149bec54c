"""What goes wrong is a message and an exit code; tokens and links are in neither."""

import sys
from types import SimpleNamespace

import pytest
import requests
from tasks_cli import command
from tasks_cli.errors import BadInput, Exit
from tasks_cli.transport import Transport

from tests.support.fake_api import token

SIGNED = "https://bucket.example.com/put?X-Amz-Signature=topsecret"
PROBLEM = {
    "statusCode": 400,
    "message": "taskType: is missing",
    "details": [{"field": "taskType", "message": "is bad"}],
}


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (404, 2), (409, 2), (413, 2), (401, 3), (403, 3), (429, 4), (500, 4), (502, 4), (503, 4)],
)
@pytest.mark.usefixtures("signed_in")
def test_exit_codes_of_answers(api, tasks, status, code):
    api.says("GET", "/tasks", (status, {"message": "because"}))
    done = tasks("list")
    assert done.exit_code == code
    assert ("sign in again" if status == 401 else "because") in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("signed_in")
def test_a_bound_that_is_reached_says_when_to_come_back(api, tasks):
    words = "one user may create or retry 2 tasks within a minute (UserTasksPerMinute), and you have; try again in 24 s"
    api.says("POST", "/tasks", (429, {"statusCode": 429, "message": words}, {"Retry-After": "24"}))
    done = tasks("create", "cat")
    assert (done.exit_code, done.stderr) == (4, f"error: {words} (429)\n")


@pytest.mark.usefixtures("signed_in")
def test_an_error_names_each_field(api, tasks):
    api.says("POST", "/tasks", (400, PROBLEM))
    assert tasks("create", "cat").stderr == "error: the API refuses the request (400)\n  taskType: is bad\n"


@pytest.mark.parametrize("answer", [(502, b"<html>"), (200, b"<html>"), (200, [])])
@pytest.mark.usefixtures("signed_in")
def test_an_answer_that_is_not_of_this_api(api, tasks, answer):
    api.says("GET", "/tasks", answer)
    assert tasks("list").exit_code == 4


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (requests.ConnectionError(SIGNED), "no connection"),
        (requests.Timeout(SIGNED), "timeout"),
        (requests.exceptions.SSLError(SIGNED), "no secure connection"),
        (requests.exceptions.ProxyError(SIGNED), "the proxy refuses"),
        (requests.exceptions.InvalidHeader(SIGNED), "InvalidHeader"),
    ],
)
def test_no_answer(api, tasks, signed_in, error, said):
    api.says("GET", "/tasks", error)
    for option in ((), ("--debug",)):
        done = tasks("list", *option)
        assert done.exit_code == 4
        assert f"api.example.com does not answer ({said})" in done.stderr
        assert ("Traceback" in done.stderr) == bool(option)
        assert "topsecret" not in done.output
        assert signed_in.id_token not in done.output


@pytest.mark.usefixtures("signed_in")
def test_a_fault_of_ours_is_no_traceback_and_not_taken_for_a_failed_task(api, tasks):
    api.says("GET", "/tasks", RuntimeError(f"{SIGNED} broke"))
    done = tasks("list")
    assert (done.exit_code, done.stdout) == (70, "")
    assert "this should not have happened: RuntimeError" in done.stderr
    assert "topsecret" not in tasks("list", "--debug").output


@pytest.mark.parametrize("arguments", [("nonsense",), ("list", "--limit", "0"), ("create",), ("list", "--status", "X")])
def test_wrong_usage(tasks, arguments):
    done = tasks(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""


def test_a_reader_that_has_gone_ends_the_command_quietly(monkeypatch):
    run = command.Run(None, None, None, json=False, debug=False)
    closed = []
    monkeypatch.setattr(command.os, "dup2", lambda there, here: closed.append(here))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(fileno=lambda: 1, flush=lambda: None))

    def gone():
        raise BrokenPipeError

    assert command.guarded(run, gone) == Exit.READER_GONE == 141
    assert closed == [1]


def test_ctrl_c_is_130(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    assert command.guarded(command.Run(None, None, None, json=False, debug=False), interrupted) == 130


@pytest.mark.usefixtures("signed_in")
def test_a_token_that_the_api_does_not_take_is_renewed_once(api, tasks, monkeypatch):
    made = token(email="new@example.com")
    monkeypatch.setattr("tasks_cli.identity.ProfileTokens.renew", lambda self: made)
    api.says("GET", "/tasks", (401, {"message": "Unauthorized"}), {"items": []})
    assert tasks("list").exit_code == 0
    assert api.asked[-1].headers["Authorization"] == f"Bearer {made}"


@pytest.mark.usefixtures("signed_in")
def test_netrc_puts_nothing_in_the_tokens_place(api, tasks, home, signed_in):
    netrc = home / "netrc"
    netrc.write_text("default login somebody password else\n")
    api.says("GET", "/tasks", {"items": []})
    tasks("list", NETRC=str(netrc))
    assert api.asked[0].headers["Authorization"] == f"Bearer {signed_in.id_token}"


@pytest.mark.parametrize("url", ["http://192.0.2.1/x", "https://example.com/", "http://localhost.example.com/"])
def test_what_is_of_the_local_cloud_stays_on_this_machine(api, url):
    with pytest.raises(BadInput, match="not on this machine"):
        Transport(local=True).send("GET", url, repeat=True, auth=None, headers={})
    assert api.asked == []


def test_no_proxy_stands_between_here_and_the_local_cloud(api):
    assert [Transport(local=local)._careful.trust_env for local in (True, False)] == [False, True]
