"""`tasks login` and `tasks logout`, and the tokens in between."""

import json
import stat
from types import SimpleNamespace

import boto3
import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws
from tasks_cli import cognito, identity, local_stack, profiles
from tasks_cli.profiles import Profile

from tests.support.fake_api import URL, token

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow")  # pycognito's own

POOL = ("--api-url", URL, "--user-pool-id", "eu-central-1_AbC", "--client-id", "client")
CHALLENGE = {
    "USERNAME": "alice",
    "USER_ID_FOR_SRP": "alice",
    "SALT": "ab",
    "SRP_B": "cd",
    "SECRET_BLOCK": "c2VjcmV0",
}
PROVES = {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": CHALLENGE}
FIRST_TIME = {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s"}


def signed(**claims):
    return {"AuthenticationResult": {"IdToken": token(**claims), "RefreshToken": "refresh-secret"}}


class FakePool:
    """A user pool that answers what it was told to."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def _answer(self, **given):
        self.asked.append(given)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    initiate_auth = respond_to_auth_challenge = revoke_token = _answer


@pytest.fixture
def pool(monkeypatch):
    """The user pool, and what is typed at its prompts."""

    def answering(*answers, typed=("old password",)):
        fake, lines = FakePool(*answers), iter(typed)
        monkeypatch.setattr(cognito.Pool, "client", lambda self: fake)
        monkeypatch.setattr("getpass.getpass", lambda prompt: next(lines))
        return fake

    return answering


def refused(code, message="no"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "InitiateAuth")


def test_signing_in_keeps_the_tokens_for_its_owner_alone(tasks, pool, home):
    fake = pool(PROVES, signed())
    done = tasks("login", *POOL, stdin="alice\n")
    assert (done.exit_code, done.stdout) == (0, "")
    [path] = (home / "config").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    saved = json.loads(path.read_text())
    assert (saved["username"], saved["region"], saved["refresh_token"]) == ("alice", "eu-central-1", "refresh-secret")
    assert "old password" not in str(fake.asked)  # a proof is sent, and not the password
    assert "secret" not in done.output
    assert saved["id_token"] not in done.output


def test_programs_learn_who_is_signed_in(tasks, pool):
    pool(PROVES, signed())
    done = tasks("login", *POOL, "--user", "alice", "--profile", "dev", "--json")
    assert json.loads(done.stdout) == {"profile": "dev", "apiUrl": URL, "username": "alice", "tenantCode": "mbc"}
    assert list(profiles.names()) == ["dev"]


def test_the_first_time_asks_for_a_new_password(tasks, pool):
    fake = pool(PROVES, FIRST_TIME, PROVES, FIRST_TIME, signed(), typed=("old", "new", "new"))
    assert tasks("login", *POOL, "--user", "alice").exit_code == 0
    assert fake.asked[-1]["ChallengeResponses"]["NEW_PASSWORD"] == "new"


def test_no_password_is_wrong_usage(tasks, pool, monkeypatch):
    pool()

    def ended(prompt):
        raise EOFError

    monkeypatch.setattr("getpass.getpass", ended)
    done = tasks("login", *POOL, stdin="alice\n")
    assert (done.exit_code, done.stderr.endswith("error: no password was given\n")) == (2, True)


def test_two_different_new_passwords_are_refused(tasks, pool):
    pool(PROVES, FIRST_TIME, typed=("old", "new", "knew"))
    done = tasks("login", *POOL, "--user", "alice")
    assert (done.exit_code, done.stderr) == (2, "error: these were two different passwords\n")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refused("NotAuthorizedException", "Incorrect username or password."), 3),
        (refused("InvalidParameterException"), 2),
        (refused("ResourceNotFoundException"), 2),
        (refused("TooManyRequestsException"), 4),
        (EndpointConnectionError(endpoint_url="https://cognito"), 4),
    ],
)
def test_a_pool_that_refuses(tasks, pool, answer, code):
    pool(PROVES, answer)
    done = tasks("login", *POOL, "--user", "alice")
    assert done.exit_code == code
    assert list(profiles.names()) == []


def test_a_second_factor_is_not_known_here(tasks, pool):
    pool(PROVES, {"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "s"})
    done = tasks("login", *POOL, "--user", "alice")
    assert done.exit_code == 3
    assert "--token-stdin" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "where to?"),
        (("--api-url", "http://api.example.com"), "must be an address that begins with https://"),
        (("--api-url", "https://["), "must be an address that begins with https://"),
        (("--api-url", URL), "which users?"),
        (("--api-url", URL, "--user-pool-id", "x", "--client-id", "y"), "must look like eu-central-1_AbCdEfGhI"),
        (("--profile", "../x", *POOL), "--profile '../x'"),
        (("--stack", "local"), "the local cloud is not up"),
    ],
)
def test_what_is_missing_is_named(tasks, pool, arguments, said):
    pool()
    done = tasks("login", *arguments, "--user", "alice")
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_token_of_ones_own_issuer(tasks, api):
    made = token(**{"cognito:username": None, "email": "a@example.com"})
    assert tasks("login", "--api-url", f"{URL}/", "--token-stdin", stdin=f"{made}\n").exit_code == 0
    api.says("GET", "/tasks", {"items": []})
    assert tasks("list").exit_code == 0
    assert api.asked[0].headers["Authorization"] == f"Bearer {made}"
    assert profiles.load("default") == Profile(URL, made, username="a@example.com")


@pytest.mark.parametrize(("given", "code"), [("\n", 2), (token(-1), 3)])
def test_a_token_that_is_none(tasks, given, code):
    assert tasks("login", "--api-url", URL, "--token-stdin", stdin=given).exit_code == code
    assert list(profiles.names()) == []


def test_a_user_without_a_tenant_gets_an_error(tasks, pool):
    pool(PROVES, signed(**{"custom:tenant": ""}))
    assert "has no tenant" in tasks("login", *POOL, "--user", "alice").stderr


def test_signing_in_again_needs_no_addresses(tasks, pool):
    profiles.save("default", Profile(URL, token(-1), "", "alice", "eu-central-1", "eu-central-1_AbC", "client"))
    pool(PROVES, signed())
    assert tasks("login").exit_code == 0
    assert identity.is_fresh(profiles.load("default").id_token)


def test_the_outputs_of_a_stack_say_where(tasks, pool, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    outputs = {"ApiUrl": URL, "UserPoolId": "eu-central-1_AbC", "UserPoolClientId": "client"}
    body = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    with mock_aws():
        cloudformation = boto3.client("cloudformation", region_name="eu-central-1")
        cloudformation.create_stack(StackName="tasks-dev", TemplateBody=json.dumps(body))
        cloudformation.create_stack(StackName="other", TemplateBody=json.dumps({"Resources": body["Resources"]}))
        pool(PROVES, signed())
        arguments = ("--user", "alice", "--region", "eu-central-1")
        assert tasks("login", "--stack", "tasks-dev", *arguments).exit_code == 0
        assert "has no HTTP API" in tasks("login", "--stack", "other", *arguments).stderr
        missing = tasks("login", "--stack", "missing", *arguments)
    assert missing.exit_code == 2
    assert "does not exist" in missing.stderr
    saved = profiles.load("default")
    assert (saved.api_url, saved.client_id, saved.stack_name) == (URL, "client", "tasks-dev")


def test_a_token_that_ends_is_refreshed_and_kept(tasks, pool, api):
    known = Profile(URL, token(30), "refresh-secret", "alice", "eu-central-1", "eu-central-1_AbC", "client")
    profiles.save("default", known)
    made = token(email="new@example.com")
    fake = pool({"AuthenticationResult": {"IdToken": made}})
    api.says("GET", "/tasks", {"items": []})
    for _ in range(2):
        assert tasks("list").exit_code == 0
    assert len(fake.asked) == 1
    assert fake.asked[0]["AuthParameters"] == {"REFRESH_TOKEN": "refresh-secret"}
    assert {asked.headers["Authorization"] for asked in api.asked} == {f"Bearer {made}"}
    assert profiles.load("default").refresh_token == "refresh-secret"


def test_a_refresh_token_that_ended_asks_to_sign_in_again(tasks, pool, api):
    profiles.save("dev", Profile(URL, token(-1), "refresh-secret", "alice", "r", "r_x", "client"))
    pool(refused("NotAuthorizedException", "Refresh Token has expired"))
    done = tasks("list", TASKS_PROFILE="dev")
    assert done.exit_code == 3
    assert "Refresh Token has expired; sign in again with `tasks login --profile dev`" in done.stderr
    assert api.asked == []


def test_signing_out_forgets_and_revokes(tasks, pool):
    profiles.save("default", Profile(URL, token(), "refresh-secret", "alice", "r", "r_x", "client"))
    fake = pool({})
    assert tasks("logout").exit_code == 0
    assert fake.asked == [{"Token": "refresh-secret", "ClientId": "client"}]
    assert profiles.load("default") is None
    assert json.loads(tasks("logout", "--json").stdout) == {"profile": "default"}


def test_signing_out_works_without_the_pool(tasks, pool):
    profiles.save("default", Profile(URL, token(), "refresh-secret", "alice", "r", "r_x", "client"))
    pool(EndpointConnectionError(endpoint_url="https://cognito"))
    assert tasks("logout").exit_code == 0
    assert profiles.load("default") is None


@pytest.mark.parametrize("text", ["{", "[]", '{"api_url": "x"}', "\udcff"])
def test_a_profile_that_cannot_be_read_is_named_and_not_shown(tasks, home, text):
    (home / "config").mkdir()
    (home / "config" / "default.json").write_bytes(text.encode(errors="surrogateescape"))
    done = tasks("list")
    assert done.exit_code == 2
    assert "sign in again" in done.stderr


def test_a_pool_on_aws_is_asked_without_credentials(monkeypatch):
    seen = {}
    monkeypatch.setattr(boto3, "client", lambda service, **options: seen.update(options) or SimpleNamespace())
    cognito.Pool("eu-central-1_AbC", "client", "eu-central-1").client()
    assert seen["config"].signature_version is UNSIGNED
    assert "endpoint_url" not in seen


def test_the_local_clouds_client_sees_nothing_of_this_machine(monkeypatch, home):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    client = local_stack.client("sqs", "http://127.0.0.1:9", "us-east-1")
    assert client._request_signer._credentials.access_key == "test"
    assert client.meta.config.proxies == {}
